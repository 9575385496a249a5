import KuraIO
import KuraPortal
import KuraService
import SystemPackage
import TestSupport
import Testing

@Suite("The portal without sockets")
struct SiteTests {
    private func withPortal(_ body: (Portal) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let portal = try Portal(directory)
            defer { _ = portal.kurad.stop(withinSeconds: 20) }
            try body(portal)
        }
    }

    /// Follows a job that was started until it is over.
    private func finish(_ answer: Answer, _ portal: Portal) throws -> String {
        let link = try #require(answer.location).text
        #expect(link.hasPrefix("/jobs/"))
        #expect(portal.kurad.site.launcher.waitUntilIdle(withinSeconds: 60))
        return portal.get(link).body
    }

    @Test("From a new home to a restored disk, as the tutorial goes")
    func tutorial() throws {
        try withPortal { portal in
            try portal.signIn()
            try portal.machine("web-1")
            let restores = portal.directory.appending("restores")
            try LocalFileSystem().makeDirectories(restores)
            _ = portal.post(
                "/settings/targets",
                [("target-name", "restores"), ("target-path", restores.string)])
            let made = portal.post(
                "/vaults/new", [("name", "tokyo"), ("region", "japaneast")])
            #expect(made.location?.text == "/vaults")
            #expect(portal.get("/vaults").body.contains("Vault tokyo was created."))
            #expect(portal.post("/vaults/tokyo/discover").status == 303)
            #expect(portal.get("/vaults/tokyo/registered").body.contains("1 machine, 1 new"))
            #expect(portal.post("/vaults/tokyo/register", [("item", "web/web-1")]).status == 303)
            let protected = portal.post(
                "/vaults/tokyo/protect",
                [
                    ("step", "4"), ("item", "web-1"), ("policy", "DefaultPolicy"),
                    ("go", "finish"),
                ])
            #expect(protected.location?.text == "/vaults/tokyo/protected")
            let pending = portal.get("/vaults/tokyo/protected").body
            #expect(pending.contains("Protected (initial backup pending)"))

            let backedUp = try finish(
                portal.post("/vaults/tokyo/backup", [("item", "web-1")]), portal)
            #expect(backedUp.contains("Completed"))
            let restored = try finish(
                portal.post(
                    "/vaults/tokyo/protected/web-1/restore",
                    [("target", "restores"), ("new-name", "copy")]), portal)
            #expect(restored.contains("Completed"))
            let fileSystem = LocalFileSystem()
            #expect(
                try fileSystem.contents(restores.pushing("copy/os.img"), max: 1 << 20)
                    == fileSystem.contents(
                        portal.directory.pushing("inventory/japaneast/web/web-1/os.img"),
                        max: 1 << 20))
            for page in [
                "/", "/vaults/tokyo", "/vaults/tokyo/dashboard", "/vaults/tokyo/configure",
                "/vaults/tokyo/agents", "/vaults/tokyo/jobs", "/vaults/tokyo/policies",
                "/vaults/tokyo/policies/DefaultPolicy", "/vaults/tokyo/protected/web-1",
                "/jobs", "/regions", "/audit", "/settings",
            ] {
                #expect(portal.get(page).status == 200, "\(page)")
            }
        }
    }

    @Test("Nobody who is not signed in sees a page or changes anything")
    func strangers() throws {
        try withPortal { portal in
            try portal.site.accounts.add("owner", .owner, password: Portal.password)
            for page in ["/", "/vaults", "/settings", "/audit", "/vaults/tokyo", "/jobs"] {
                let answer = portal.get(page)
                #expect(answer.body.contains("name=\"password\""), "\(page)")
                #expect(!answer.body.contains("japaneast"))
            }
            #expect(portal.post("/vaults/new", [("name", "tokyo")]).status == 401)
            portal.kurad.site.answer(portal.request(.get, "/first?token=guess")).expectRedirect()
            let other = Request(.get, [], from: .user(id: 12_345))
            #expect(portal.site.answer(other).status == 403)
            #expect(!portal.kurad.mayListen(other))
        }
    }

    @Test("The link of the first start makes the first owner once, and only with its secret")
    func firstAccount() throws {
        try withPortal { portal in
            let link = try #require(portal.site.accounts.firstLink).text
            #expect(portal.get("/").body.contains("Open the link that the server printed"))
            #expect(portal.get(link).body.contains("name=\"token\""))
            let secret = Portal.hidden("token", in: portal.get(link).body)
            var request = portal.request(.post, "/first")
            request.form = FormValues([
                ("token", secret), ("account", "owner"), ("password", "short"),
            ])
            #expect(portal.site.answer(request).status == 400)
            request.form = FormValues([
                ("token", secret), ("account", "owner"), ("password", Portal.password),
            ])
            let made = portal.site.answer(request)
            #expect(made.status == 303)
            #expect(made.cookies.first?.contains("HttpOnly; SameSite=Strict") == true)
            request.form.pairs[1].value = "second"
            portal.site.answer(request).expectRedirect()
            #expect(try portal.site.accounts.all().map(\.name) == ["owner"])
        }
    }

    @Test("Forms of other sites, without their seal, or sent twice change nothing more")
    func forgery() throws {
        try withPortal { portal in
            try portal.signIn()
            let wanted = [("name", "tokyo"), ("region", "japaneast")]
            var foreign = portal.sealed(portal.request(.post, "/vaults/new"), wanted)
            foreign.fetchSite = "cross-site"
            #expect(portal.site.answer(foreign).status == 403)
            foreign.fetchSite = nil
            foreign.origin = "https://evil.example"
            #expect(portal.site.answer(foreign).status == 403)
            var unsealed = portal.request(.post, "/vaults/new")
            unsealed.form = FormValues(wanted + [("seal", "0"), ("form", "1")])
            #expect(portal.site.answer(unsealed).status == 403)
            #expect(!portal.get("/vaults").body.contains("tokyo"))

            let sealed = portal.sealed(portal.request(.post, "/vaults/new"), wanted)
            #expect(portal.site.answer(sealed).status == 303)
            #expect(portal.site.answer(sealed).status == 303)
            #expect(portal.get("/audit").body.contains("another site"))
        }
    }

    @Test(
        "Each role may do what it is for, and every denial is in the audit",
        arguments: [
            (Role.reader, "/vaults/tokyo/discover", 403),
            (.operator, "/vaults/tokyo/discover", 303), (.operator, "/vaults/new", 403),
            (.operator, "/vaults/tokyo/new-policy", 403),
            (.operator, "/vaults/tokyo/protected/web-1/stop", 403),
            (.contributor, "/vaults/new", 400), (.contributor, "/settings/accounts", 403),
            (.contributor, "/settings/targets", 403), (.owner, "/settings/accounts", 400),
        ])
    func roles(role: Role, target: String, status: Int) throws {
        try withPortal { portal in
            try portal.signIn()
            _ = portal.post("/vaults/new", [("name", "tokyo"), ("region", "japaneast")])
            try portal.machine("web-1")
            try portal.signIn("mika", as: role)
            #expect(portal.post(target).status == status)
            let calls = try portal.site.calls.newest(5)
            #expect(calls.contains { $0.who == "mika" && $0.note.hasPrefix("\(status)") })
            #expect(portal.get("/audit").status == (role == .owner ? 200 : 403))
        }
    }

    @Test("A restore writes below a restore target only, whatever name it is given")
    func restoreTargets() throws {
        try withPortal { portal in
            try portal.signIn()
            _ = portal.post("/vaults/new", [("name", "tokyo"), ("region", "japaneast")])
            try portal.machine("web-1")
            _ = portal.post("/vaults/tokyo/discover")
            _ = portal.post("/vaults/tokyo/register", [("item", "web-1")])
            let restores = portal.directory.appending("restores")
            try LocalFileSystem().makeDirectories(restores)
            try portal.site.accounts.addTarget("restores", path: restores)
            let page = "/vaults/tokyo/protected/web-1/restore"
            for name in ["../out", "..", "", "a/b", "/etc"] {
                #expect(
                    portal.post(page, [("target", "restores"), ("new-name", name)]).status == 400)
            }
            #expect(portal.post(page, [("target", "/etc"), ("new-name", "copy")]).status == 400)
        }
    }

    @Test("Wrong paths, names and forms get their page and never an error of the server")
    func badInput() throws {
        try withPortal { portal in
            try portal.signIn()
            for target in [
                "/vaults/none", "/vaults/none/jobs", "/vaults/%2e%2e/registered", "/jobs/zz",
                "/jobs/00", "/nothing", "/vaults/%3Cscript%3E", "/assets/none", "/events/x",
                "/vaults/none/protected/none/restore", "/vaults/none/policies/none",
            ] {
                let answer = portal.get(target)
                #expect(400..<500 ~= answer.status, "\(target): \(answer.status)")
                #expect(!answer.body.contains("<script>"))
            }
            #expect(Request(.get, target: "/%ff", from: .address("a")) == nil)
            #expect(Request(.get, target: "no-path", from: .address("a")) == nil)
            for (target, pairs) in [
                ("/vaults/new", [("name", "<b>"), ("region", "none")]),
                ("/settings/inventory", [("inventory", "")]),
                ("/settings/targets", [("target-name", "x"), ("target-path", "etc")]),
                ("/regions", [("region", "NO")]), ("/jobs/none/cancel", []),
            ] as [(String, [(String, String)])] {
                #expect(portal.post(target, pairs).status == 400, "\(target)")
            }
        }
    }

    @Test("Every answer forbids foreign scripts, frames and guesses of its type")
    func headers() throws {
        try withPortal { portal in
            for target in ["/", "/assets/kura.css", "/assets/none"] {
                let headers = Dictionary(
                    portal.get(target).headers, uniquingKeysWith: { $1 })
                #expect(headers["Content-Security-Policy"]?.contains("default-src 'none'") == true)
                #expect(headers["X-Content-Type-Options"] == "nosniff")
            }
        }
    }
}

extension Answer {
    fileprivate func expectRedirect() { #expect(location?.text == "/") }
}
