/// What to do about a problem: an intention with its arguments, which each front end words in its
/// own terms. The command line names a command and its flags, a portal can show a button, and a
/// client of an interface gets the value itself.
public indirect enum Remedy: Equatable, Sendable, Codable {
    /// Plain words that are right in every front end: they name no command, flag or button.
    case advice(String)
    /// Each of these helps. The first is the best.
    case anyOf([Remedy])
    /// All of these, in this order.
    case steps([Remedy])
    /// For each subject a remedy of its own.
    case forEach([Part])

    /// The same operation again. `note` says what that does.
    case retry(note: String? = nil)
    /// The same operation again: it goes on where it stopped.
    case resume
    case useNewerKura
    case chooseAnotherName
    /// - Parameter path: a file or directory on the file system that is full.
    case freeSpace(path: String)

    case home(HomeAction)
    case region(RegionAction)
    case vault(VaultAction)
    case point(PointAction)
    case machine(MachineAction)
    case policy(PolicyAction)

    /// One subject of `forEach`.
    public struct Part: Equatable, Sendable, Codable {
        public var subject: String
        public var remedy: Remedy

        public init(subject: String, remedy: Remedy) {
            self.subject = subject
            self.remedy = remedy
        }
    }

    /// For what another process holds.
    public static let waitThenRetry = Remedy.steps([.advice("wait until it is done"), .retry()])
}

extension Remedy {
    /// What is done to a home, and to what belongs to all its vaults.
    public enum HomeAction: Equatable, Sendable, Codable {
        /// The home is at another path.
        case locate
        /// A directory is not a home and must not become one.
        case chooseAnother
        /// There is no home yet: it must be made.
        case make
        /// The file that names the regions is damaged; their directories can be named instead.
        case rebuildHome
        case rebuildCatalog
        case setInventory
        /// Lets machines have disks below a directory, or a device or an image of this path.
        case allowDisks(String)
        case chooseJob
        /// A step of the scheduler at a time that is far from now is meant.
        case confirmTime
    }

    public enum RegionAction: Equatable, Sendable, Codable {
        case add(String)
        /// Adds a region as the pair of another one.
        /// - Parameter known: the pair that Azure gives that region, where it has one.
        case addPair(of: String, known: String?)
        /// Tells the home in which directories a region is that exists already.
        case attach
        /// New, empty directories for a region whose directories are all lost.
        case recreate(String)
        /// Makes the vaults of a lost region active in their paired region.
        /// - Parameter successor: that region, where there is one only.
        case declareLost(String, successor: String? = nil)
        case failBack(String)
        /// Moves the vaults although recovery points stay behind.
        case acceptLoss(String, failsBack: Bool)
        case show(String)
        /// Fills directories of replicas that are empty.
        case fillReplicas
        /// Uses directories of replicas of any owner.
        case trustOwners
    }

    public enum VaultAction: Equatable, Sendable, Codable {
        /// Several vaults are possible: one must be named.
        case choose
        case create(name: String? = nil, region: String? = nil, profile: String? = nil)
        case delete
        /// Shows what is in a vault, and how it is deleted with that.
        case showContents(String)
        case show(String)
        /// Copies, verifies, and then switches to another redundancy.
        /// - Parameter redundancy: "lrs", "zrs", "grs" or "ra-grs".
        case convert(String, redundancy: String)
        case useCopies(Int)
        /// Reads and checks every chunk.
        case verify(String? = nil)
        /// Heals what is damaged from copies that are good.
        case repair(Depth, vault: String? = nil)
        /// A verification again, without what it read already.
        case resumeVerification
        case replicate(String? = nil)
        case prune(String? = nil)
        case showRepairs

        /// How much a repair reads.
        public enum Depth: String, Equatable, Sendable, Codable {
            /// Every file, against its own checksums.
            case files
            /// Every chunk, too, and every recovery point to its end.
            case chunks
        }
    }

    public enum PointAction: Equatable, Sendable, Codable {
        case list(item: String? = nil)
        case choose
        /// A new recovery point.
        case backUp
        /// A stream instead of a file or block device.
        case backUpStream
        /// Takes the bytes of an image in some format as they are.
        case backUpRaw
        /// Takes a disk that has become much smaller.
        case allowShrinking
        /// Takes a disk that a machine writes to now.
        case backUpLive
        /// Names the images that an image continues.
        case nameBases
        /// Names the item, where it would have the name of the disk.
        case nameItem
        case drop(String? = nil)
        /// Shows what a prune would drop.
        case reviewPrune
        /// Lets a prune through that was stopped, as it was planned.
        case confirmPrune(vault: String, token: String)
        /// Restores the newest point of an item.
        case restoreItem(String)
        /// Restores a disk that has no logical unit number.
        case restoreDisk(point: String, disk: String)
        case chooseDisk
        /// Restores what is there of a disk that lacks something.
        case leaveOutLost
        /// Replaces a file that exists.
        case overwriteTarget
        /// Overwrites what is on a block device.
        case overwriteDevice
        /// Restores a disk to standard output, for what takes bytes in order only.
        case restoreStream
        /// Restores with the rights of another user.
        case restoreAs(String)
    }

    public enum MachineAction: Equatable, Sendable, Codable {
        case discover
        case list
        case listRegistered
        case register(String)
        case unregister(String)
        case protect(String, policy: String)
        /// Protects a machine again whose protection was stopped.
        case resume(String, policy: String)
        case stop(String)
        /// Deletes the backup data of a machine.
        /// - Parameter atOnce: without the days in which it can be brought back.
        case deleteData(String, atOnce: Bool = false)
        /// Deletes the data as the vault's profile has it, with days to bring it back.
        /// - Parameter days: how many.
        case deleteDataLater(days: Int)
        case undelete(String)
        /// Backs up a machine of which a disk has become much smaller.
        case allowShrinking(String)
        case chooseCloudService
        /// A vault in the region of the machine that is meant tells it from others.
        case chooseVaultOfRegion
        case chooseDisks
        /// Restores a machine to another folder, or under another name.
        case restoreElsewhere
    }

    public enum PolicyAction: Equatable, Sendable, Codable {
        /// - Parameter policy: any other one where it is nil.
        case assign(String?, items: [String])
        case update(String)
        /// - Parameter policy: any that is not used where it is nil.
        case delete(String? = nil)
    }
}
