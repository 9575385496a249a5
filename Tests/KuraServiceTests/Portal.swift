import KuraIO
import KuraOperations
import KuraPortal
import KuraService
import KuraVault
import Logging
import SystemPackage
import TestSupport

/// A server of a new home without sockets, and a browser that remembers its cookies.
final class Portal {
    let directory: FilePath
    let kurad: Kurad
    private(set) var cookie = ""

    static let password = "correct horse battery"
    static let context = Context.test()

    var site: Site { kurad.site }

    init(_ directory: FilePath) throws {
        self.directory = directory
        let home = directory.appending("home")
        let made = try Subscription.open(home: home, create: .home, context: Self.context)
        _ = try made.addRegion(.init(name: "japaneast"))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var options = Kurad.Options(
            home: home, version: "test", environment: ["PATH": "/usr/bin:/bin"], logger: logger)
        options.runsSchedule = false
        kurad = try Kurad(options)
    }

    /// Makes an account and signs it in.
    func signIn(_ name: String = "owner", as role: Role = .owner) throws {
        try site.accounts.add(name, role, password: Self.password)
        cookie = ""
        var request = Request(.post, ["sign-in"], from: .address("127.0.0.1"))
        request.form = FormValues([("account", name), ("password", Self.password)])
        let answer = site.answer(request)
        cookie = answer.cookies.first.map { String($0.prefix { $0 != ";" }) } ?? ""
    }

    func request(_ method: Request.Method, _ target: String) -> Request {
        var request = Request(method, target: target, from: .address("127.0.0.1"))!
        request.takeCookies(cookie)
        request.languages = "en"
        request.host = "localhost:8443"
        return request
    }

    func get(_ target: String) -> Answer { site.answer(request(.get, target)) }

    /// Sends a form with what its page has: the seal of the session, and a form's own id.
    func post(_ target: String, _ pairs: [(String, String)] = []) -> Answer {
        site.answer(sealed(request(.post, target), pairs))
    }

    func sealed(_ request: Request, _ pairs: [(String, String)]) -> Request {
        var request = request
        let page = get("/settings").body
        request.form = FormValues(
            [("seal", Self.hidden("seal", in: page)), ("form", Self.hidden("form", in: page))]
                + pairs)
        return request
    }

    /// The value of a hidden field.
    static func hidden(_ name: String, in page: String) -> String {
        guard let start = page.firstRange(of: "name=\"\(name)\" value=\"") else { return "" }
        return String(page[start.upperBound...].prefix { $0 != "\"" })
    }

    /// Makes a machine of the inventory, which is set.
    func machine(_ name: String, service: String = "web") throws {
        let fileSystem = LocalFileSystem()
        let inventory = directory.appending("inventory")
        let folder = inventory.appending("japaneast").appending(service).appending(name)
        try fileSystem.makeDirectories(folder)
        let disk = SyntheticDisk(seed: 7, byteCount: 50_000).bytes
        let publication = try Publication(fileSystem, temporary: folder.appending("new"))
        try disk.withUnsafeBytes { try publication.append($0) }
        try publication.complete()
        try publication.publish(as: folder.appending("os.img"), replacing: true)
        _ = post("/settings/inventory", [("inventory", inventory.string)])
    }
}
