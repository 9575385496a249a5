internal import KuraIO

/// What went wrong, with a way out: a page where there is one, else the words of the engine.
enum ProblemNote {
    static func html(_ problem: Problem, _ frame: Frame) -> HTML {
        let way = problem.remedy.map { remedy -> HTML in
            "<p><strong>\(frame(.remedy)):</strong> \(RemedyView(frame: frame).html(remedy))</p>"
        }
        let code: HTML? = problem.code.isEmpty ? nil : " <small>(\(problem.code))</small>"
        return """
            <div class="note bad" role="alert"><p><strong>\(frame(.problem)):</strong> \
            <span lang="en">\(problem.message)</span>\(code)</p>\(way)</div>

            """
    }

    static func warning(_ warning: Warning, _ frame: Frame) -> HTML {
        let way = warning.remedy.map { remedy -> HTML in
            "; \(RemedyView(frame: frame).html(remedy))"
        }
        return "<span lang=\"en\">\(warning.message)</span>\(way)"
    }
}

/// A remedy as the portal words it.
struct RemedyView {
    var frame: Frame

    func html(_ remedy: Remedy) -> HTML {
        switch remedy {
        case .advice(let text): "<span lang=\"en\">\(text)</span>"
        case .anyOf(let remedies): Elements.list(remedies.map(html))
        case .steps(let remedies):
            "<ol>\(remedies.map { item -> HTML in "<li>\(html(item))</li>" })</ol>"
        case .forEach(let parts):
            Elements.list(parts.map { part -> HTML in "\(part.subject): \(html(part.remedy))" })
        case .retry(let note?): "<span lang=\"en\">try again; \(note)</span>"
        case .retry(nil): "<span lang=\"en\">try again</span>"
        case .resume: "<span lang=\"en\">do the same again: it goes on where it stopped</span>"
        case .useNewerKura: "<span lang=\"en\">use a newer Kura</span>"
        case .chooseAnotherName: "<span lang=\"en\">choose another name</span>"
        case .freeSpace(let path):
            "<span lang=\"en\">free space on the file system of \(path)</span>"
        case .home(let action): home(action)
        case .region(let action): region(action)
        case .vault(let action): vault(action)
        case .point(let action): point(action)
        case .machine(let action): machine(action)
        case .policy(let action): policy(action)
        }
    }

    private func run(_ words: String...) -> HTML { "<code>\(CommandLine(words).text)</code>" }

    private func home(_ action: Remedy.HomeAction) -> HTML {
        switch action {
        case .setInventory: Elements.link(Link("settings"), frame(.setInventory))
        case .chooseJob: Elements.link(Link("jobs"), frame(.jobs))
        case .allowDisks(let path): run("inventory", "set", "DIR", "--allow", path)
        case .make: run("init")
        case .rebuildHome: run("catalog", "rebuild", "--replica", "DIR")
        case .rebuildCatalog: run("catalog", "rebuild")
        case .confirmTime: run("scheduler", "tick", "--dry-run")
        case .locate, .chooseAnother: run("list", "--home", "DIR")
        }
    }

    private func region(_ action: Remedy.RegionAction) -> HTML {
        switch action {
        case .add(let name): run("region", "add", name)
        case .addPair(let name, let known):
            known.map { run("region", "add", $0) } ?? run("region", "add", "NAME", "--pair", name)
        case .attach: run("region", "add", "NAME", "--replica", "DIR")
        case .recreate(let name): run("region", "add", name, "--recreate")
        case .declareLost(let name, _): run("region", "failover", name)
        case .failBack(let name): run("region", "failback", name)
        case .acceptLoss(let name, let failsBack):
            run("region", failsBack ? "failback" : "failover", name, "--accept-loss")
        case .show: Elements.link(Link("regions"), frame(.regions))
        case .fillReplicas: run("replicate")
        case .trustOwners:
            "<span lang=\"en\">let Kura use directories of any owner, in its environment</span>"
        }
    }

    private func vault(_ action: Remedy.VaultAction) -> HTML {
        switch action {
        case .choose, .showContents: Elements.link(Link("vaults"), frame(.vaultList))
        case .create: Elements.link(Link("vaults", "new"), frame(.createVaultShort))
        case .delete: run("vault", "delete", "NAME")
        case .show(let name): Elements.link(.vault(name), name)
        case .convert(let name, _): Elements.link(.vault(name, "configure"), frame(.configure))
        case .useCopies(let copies): run("vault", "create", "NAME", "--copies", "\(copies)")
        case .verify(let name): run("verify", "--level", "chunks", "--vault", name ?? "NAME")
        case .repair(_, let name): run("verify", "--repair", "--vault", name ?? "NAME")
        case .resumeVerification: run("verify", "--max-age", "7d")
        case .replicate(let name): run("replicate", "--vault", name ?? "NAME")
        case .prune(let name): run("prune", "--vault", name ?? "NAME")
        case .showRepairs: run("repairs")
        }
    }

    private func point(_ action: Remedy.PointAction) -> HTML {
        switch action {
        case .list, .choose: run("list")
        case .drop(let id): run("prune", "--drop", id ?? "RP")
        case .reviewPrune: run("prune", "--dry-run")
        case .confirmPrune(let vault, let token):
            run("prune", "--vault", vault, "--confirm", token)
        case .restoreItem(let name): run("restore", "\(name)@latest", "--output", "PATH")
        case .restoreDisk(let id, let disk):
            run("restore", id, "--disk", disk, "--output", "PATH")
        case .leaveOutLost: run("restore", "RP", "--output", "PATH", "--skip-lost")
        case .restoreAs(let user): run("restore", "RP", "--output", "PATH", "--as", user)
        case .backUp, .backUpStream, .backUpRaw, .allowShrinking, .backUpLive, .nameItem,
            .nameBases:
            run("backup", "--help")
        case .chooseDisk, .overwriteTarget, .overwriteDevice, .restoreStream:
            run("restore", "--help")
        }
    }

    private func machine(_ action: Remedy.MachineAction) -> HTML {
        switch action {
        case .discover: "<strong>\(frame(.discover))</strong>"
        case .register(let name): "<strong>\(frame(.register))</strong> \(name)"
        case .unregister(let name): "<strong>\(frame(.unregister))</strong> \(name)"
        case .protect(let name, _): "<strong>\(frame(.protect))</strong> \(name)"
        case .resume(let name, _): "<strong>\(frame(.resumeProtection))</strong> \(name)"
        case .stop(let name): "<strong>\(frame(.stopProtection))</strong> \(name)"
        case .undelete(let name): "<strong>\(frame(.undelete))</strong> \(name)"
        case .deleteData(let name, let atOnce):
            atOnce
                ? run("vm", "stop", name, "--delete-data", "--at-once")
                : "<strong>\(frame(.stopDelete))</strong> \(name)"
        case .deleteDataLater: "<strong>\(frame(.stopDelete))</strong>"
        case .allowShrinking(let name): run("vm", "backup", name, "--allow-shrink")
        case .list: run("vm", "list", "--all")
        case .listRegistered: "<strong>\(frame(.registeredItems))</strong>"
        case .chooseCloudService: "<span lang=\"en\">name CLOUD-SERVICE/NAME</span>"
        case .chooseVaultOfRegion: Elements.link(Link("vaults"), frame(.vaultList))
        case .chooseDisks: "<span lang=\"en\">choose other disks</span>"
        case .restoreElsewhere: "<span lang=\"en\">choose another target or name</span>"
        }
    }

    private func policy(_ action: Remedy.PolicyAction) -> HTML {
        switch action {
        case .assign: "<strong>\(frame(.changePolicy))</strong>"
        case .update(let name): "<strong>\(frame(.policies))</strong>: \(name)"
        case .delete: "<strong>\(frame(.policies))</strong>"
        }
    }
}
