/// Words of pages about vaults and their regions.
extension Word {
    package static let quickCreate = Word("簡易作成", "Quick create")
    package static let newVault = Word("新規", "New")
    package static let createVault = Word("資格情報コンテナーの作成", "Create vault")
    package static let createVaultShort = Word("コンテナーの作成", "Create a vault")
    package static let vaultExplained = Word(
        "バックアップ コンテナーは、経時的に作成されたすべてのバックアップと復旧ポイントを格納するエンティティです。",
        "A vault is the entity that stores all the backups and recovery points created over time.")
    package static let noVaults = Word("コンテナーはまだありません。", "There is no vault yet.")
    package static let vaultNameHint = Word(
        "2 ～ 50 文字。先頭はアルファベット、使用できるのはアルファベット、数字、ハイフンのみです。",
        "2 to 50 characters: letters, digits and hyphens, a letter first.")
    package static let regionHint = Word(
        "コンテナーは、保護する仮想マシンと同じリージョンにある必要があります。",
        "The vault must be in the same region as the virtual machines that it protects.")
    package static let subscription = Word("サブスクリプション", "Subscription")
    package static let redundancy = Word("冗長性", "Redundancy")
    package static let storageReplication = Word("ストレージのレプリケーション", "Storage replication")
    package static let profile = Word("プロファイル", "Profile")
    package static let classic = Word("クラシック（2016 年のチュートリアル）", "Classic (the tutorial of 2016)")
    package static let modern = Word("モダン", "Modern")
    package static let copies = Word("コピー数", "Copies")
    package static let minCopies = Word("確認に必要なコピー数", "Copies before a backup is acknowledged")
    package static let active = Word("アクティブ", "Active")
    package static let degraded = Word("一部到達不能", "Degraded")
    package static let contested = Word("競合", "Contested")
    package static let pair = Word("ペア リージョン", "Paired region")
    package static let replicas = Word("レプリカ", "Replicas")
    package static let reachable = Word("到達可能", "Reachable")
    package static let path = Word("場所", "Path")
    package static let addRegion = Word("リージョンの追加", "Add a region")
    package static let regionNameHint = Word(
        "仮想マシンのフォルダーにあるリージョン名と同じ名前にします（例: japaneast）。",
        "The name that the region's folder of virtual machines has, such as japaneast.")
    package static let pairHint = Word(
        "省略すると、Azure で決まっているペアになります。",
        "Left empty, the pair that Azure gives it, where that region is here.")
    package static func regionAdded(_ name: String) -> Word {
        Word("リージョン \(name) を追加しました。", "Region \(name) was added.")
    }
    package static let vaultsHere = Word("コンテナー", "Vaults")
    package static func created(vault name: String) -> Word {
        Word("コンテナー \(name) が正常に作成されました。", "Vault \(name) was created.")
    }

    // MARK: Redundancy

    package static let automatic = Word(
        "既定（ペアがあれば geo 冗長）", "Default (geo-redundant where the region has a pair)")
    package static let lrs = Word("ローカル冗長 (LRS)", "Locally redundant (LRS)")
    package static let zrs = Word("ゾーン冗長 (ZRS)", "Zone-redundant (ZRS)")
    package static let grs = Word("geo 冗長 (GRS)", "Geo-redundant (GRS)")
    package static let raGRS = Word(
        "読み取りアクセス geo 冗長 (RA-GRS)", "Read-access geo-redundant (RA-GRS)")
    package static let lrsExplained = Word(
        "1 つのリージョンに保存します。コストを抑えられます。", "Kept in one region: costs less.")
    package static let zrsExplained = Word(
        "1 つのリージョンの独立したディスクに保存します。", "Kept in one region, on disks apart from each other.")
    package static let grsExplained = Word(
        "ペア リージョンにもコピーします。リージョンの障害に備えます。",
        "Copied to the paired region, too: survives the loss of a region.")
    package static let raGRSExplained = Word(
        "ペア リージョンのコピーを、障害がなくても読み取れます。",
        "Likewise, and the copy can be read at any time.")
    package static let frozen = Word(
        "項目または復元ポイントがあるため、冗長性は固定されています。変更するには、コピーと検証を伴う変換が必要です。",
        "The vault has items or recovery points, so its redundancy is frozen. Changing it takes a "
            + "conversion, which copies and verifies first.")
    package static let convert = Word(
        "変換する（コピーと検証の後に切り替え）", "Convert (copies and verifies, then switches)")
    package static let redundancySaved = Word(
        "レプリケーションの設定を変更しました。", "The storage replication was changed.")
    package static let noPair = Word(
        "このリージョンにはペアがないため、geo 冗長は選べません。",
        "The region has no pair, so geo-redundancy cannot be chosen.")
    package static func redundancyNamed(_ name: String) -> Word {
        switch name {
        case "lrs": .lrs
        case "zrs": .zrs
        case "grs": .grs
        case "ra-grs": .raGRS
        default: Word(name, name)
        }
    }

    // MARK: Quick start

    package static let stepReplication = Word(
        "ストレージのレプリケーションを選択する", "Choose the storage replication")
    package static let stepDiscover = Word("仮想マシンを検出する", "Discover virtual machines")
    package static let stepRegister = Word("仮想マシンを登録する", "Register virtual machines")
    package static let stepAgent = Word("VM エージェントを確認する", "Check the VM agents")
    package static let stepProtect = Word("仮想マシンを保護する", "Protect virtual machines")
    package static let stepBackUp = Word("初回バックアップを実行する", "Make the first backup")
    package static let done = Word("完了", "Done")
    package static let nextStep = Word("次のステップ", "Next step")
    package static let later = Word("この後", "Later")
    package static func discovered(_ count: Int) -> Word {
        Word("検出された仮想マシン: \(count)", "\(count) discovered")
    }
    package static func registeredCount(_ count: Int) -> Word {
        Word("登録済み: \(count)", "\(count) registered")
    }
    package static func protectedCount(_ count: Int) -> Word {
        Word("保護済み: \(count)", "\(count) protected")
    }
    package static func pointCount(_ count: Int) -> Word {
        Word("復元ポイント: \(count)", "\(count) recovery point\(count == 1 ? "" : "s")")
    }

    // MARK: Dashboard

    package static let failedDay = Word("失敗（24 時間）", "Failed (24 hours)")
    package static let warnedDay = Word("警告（24 時間）", "Warnings (24 hours)")
    package static let inProgressNow = Word("実行中", "In progress")
    package static let overdue = Word("遅延", "Overdue")
    package static let softDeletedItems = Word("論理的に削除された項目", "Soft-deleted items")
    package static let pendingItems = Word("初回のバックアップが保留中", "Initial backup pending")
    package static let timeline = Word("直近 24 時間のジョブ", "Jobs of the last 24 hours")
    package static let nextRuns = Word("次回の実行予定", "Next scheduled runs")
    package static let nothingRan = Word("直近 24 時間のジョブはありません。", "No job ran in the last 24 hours.")
    package static let logicalBytes = Word("論理サイズ", "Logical size")
    package static let uniqueBytes = Word("重複除去後", "Unique")
    package static let deduplication = Word("重複除去率", "Deduplication")
    package static let compression = Word("圧縮率", "Compression")
    package static let usage = Word("使用量", "Usage")
    package static let replicationLag = Word("レプリケーションの遅れ", "Replication lag")
}
