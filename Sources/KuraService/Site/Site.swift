package import KuraIO
package import KuraOperations
internal import KuraPortal
internal import KuraVault
package import Logging
package import SystemPackage

/// The portal of one home: from a request to an answer, without sockets. Blocks; call it on the
/// threads of `EnginePool`.
package final class Site: Sendable {
    package let home: FilePath
    package let accounts: Accounts
    package let calls: CallLog
    package let launcher = JobLauncher()
    package let schedule: ScheduleRunner?
    let flashes = Flashes()
    private let sent = SentForms()
    private let logger: Logger
    private let version: String
    private let environment: [String: String]
    private let routes: [Route]

    /// Longest body of a form, in bytes.
    package static let bodyBytesMax = 1 << 20

    /// - Parameters:
    ///   - environment: what hooks of machines may inherit.
    ///   - runsSchedule: whether it makes the backups that are due, while no other process does.
    package init(
        home: FilePath, version: String, environment: [String: String], runsSchedule: Bool,
        logger: Logger
    ) throws(KuraError) {
        self.home = home
        self.version = version
        self.environment = environment
        self.logger = logger
        let database = try ServerDatabase(home: home)
        accounts = try Accounts(database)
        calls = CallLog(database)
        routes = Self.vaultRoutes + Self.machineRoutes + Self.policyRoutes + Self.otherRoutes
        schedule =
            runsSchedule
            ? ScheduleRunner(
                { cancellation throws(KuraError) in
                    try Self.open(
                        home, as: Caller(name: "kurad@\(Process.hostName)", surface: .scheduler),
                        environment: environment, logger: logger, cancellation)
                }, tell: { logger.warning("\($0)") }) : nil
    }

    var versionText: String { version }

    /// The home, for the server itself.
    package func operations() throws(KuraError) -> Operations {
        try Self.open(
            home, as: Caller(name: "kurad@\(Process.hostName)", surface: .server),
            environment: environment, logger: logger, Cancellation())
    }

    // MARK: From a request to an answer

    package func answer(_ request: Request) -> Answer {
        if request.method == .get, request.path.first == "assets" { return asset(request) }
        var frame = Frame()
        frame.path = request.path
        frame.query = request.query.pairs.filter { $0.name != "lang" }
        frame.language =
            request.query["lang"].flatMap { Language(rawValue: $0) }
            ?? request.cookies["kura-lang"].flatMap { Language(rawValue: $0) }
            ?? Language(accepting: request.languages)
        var answer: Answer
        do throws(KuraError) {
            answer = try admitted(request, frame)
        } catch {
            logger.error("\(error.message)", metadata: ["path": "\(request.path)"])
            answer = Answer(error.httpStatus, ErrorPage.problem(Problem(error), frame))
        }
        if request.query["lang"] != nil {
            answer.cookies.append(
                "kura-lang=\(frame.language.rawValue); Path=/; Max-Age=31536000; SameSite=Lax"
                    + (request.isSecure ? "; Secure" : ""))
        }
        return answer
    }

    private func asset(_ request: Request) -> Answer {
        guard request.path.count == 2,
            let asset = Asset.all.first(where: { $0.name == request.path[1] })
        else { return Answer(404, type: "text/plain; charset=utf-8", "there is no such file\n") }
        var answer = Answer(200, type: asset.type, asset.content)
        answer.isLasting = true
        return answer
    }

    /// Lets in who is known, and shows others the way.
    private func admitted(_ request: Request, _ frame: Frame) throws(KuraError) -> Answer {
        switch request.source {
        case .user(let id):
            // The kernel says who it is: those who may read the files of the home anyway.
            guard id == 0 || id == Process.userID else {
                return try denied(request, of: "uid \(id)", needs: .owner, frame)
            }
            var frame = frame
            frame.account = "uid \(id)"
            frame.role = .owner
            return try answer(
                request, for: "uid \(id)@\(Process.hostName)", role: .owner, in: nil, frame)
        case .address:
            return try signedIn(request, frame)
        }
    }

    private func signedIn(_ request: Request, _ frame: Frame) throws(KuraError) -> Answer {
        if request.method == .post, request.isForeign {
            try enter(request, by: "", 403, note: "another site")
            return Answer(403, ErrorPage.stale(frame))
        }
        switch (request.method, request.path) {
        case (.get, ["first"]), (.post, ["first"]): return try first(request, frame)
        case (.post, ["sign-in"]): return try signIn(request, frame)
        default: break
        }
        let secret = request.cookies[Self.cookieName(request.isSecure)]
        guard
            let session = try secret.flatMap({ secret throws(KuraError) in
                try accounts.session(of: secret)
            })
        else {
            if request.method == .post {
                try enter(request, by: "", 401, note: "not signed in")
                return Answer(401, ErrorPage.stale(frame))
            }
            return try showSignIn(request, frame)
        }
        var frame = frame
        frame.account = session.account
        frame.role = session.role
        frame.seal = session.seal
        frame.form = Secrets.random()
        frame.isLive = true
        if request.method == .post {
            guard Secrets.areEqual(request.form.exact("seal"), session.seal) else {
                try enter(request, by: session.account, 403, note: "a form without its seal")
                return Answer(403, ErrorPage.stale(frame))
            }
            return try once(request, in: session, frame)
        }
        frame.toasts = flashes.take(for: session.id)
        return try answer(
            request, for: session.account, role: session.role, in: session, frame)
    }

    /// Does what a form asks for, unless it was sent before.
    private func once(
        _ request: Request, in session: Accounts.Session, _ frame: Frame
    ) throws(KuraError) -> Answer {
        let form = request.form.exact("form")
        guard !form.isEmpty, form.utf8.count <= 64 else {
            return Answer(400, ErrorPage.stale(frame))
        }
        if case .again(let known) = sent.begin(form) { return known ?? Answer(to: Link("jobs")) }
        do throws(KuraError) {
            let answer = try answer(
                request, for: session.account, role: session.role, in: session, frame)
            // A page that shows what is wrong is filled in once more.
            sent.end(form, answer.status == 303 ? answer : nil)
            return answer
        } catch {
            sent.end(form, nil)
            throw error
        }
    }

    private func answer(
        _ request: Request, for account: String, role: Role, in session: Accounts.Session?,
        _ frame: Frame
    ) throws(KuraError) -> Answer {
        if request.path == ["sign-out"], request.method == .post {
            if let session { try accounts.end(session.id) }
            var answer = Answer(to: .home)
            answer.cookies.append(Self.cookie("", request, ends: true))
            return answer
        }
        let found = routes.lazy.compactMap { route in
            route.method == request.method
                ? route.names(in: request.path).map { (route, $0) } : nil
        }.first
        guard let (route, names) = found else {
            return Answer(404, ErrorPage.notFound(frame))
        }
        guard role >= route.role else {
            return try denied(request, of: account, needs: route.role, frame)
        }
        let operations = try Self.open(
            home, as: Caller(name: "\(account)@\(request.source.text)", surface: .server),
            environment: environment, logger: logger, Cancellation())
        var visit = Visit(
            request: request, names: names, account: account, role: role, session: session,
            frame: frame, operations: operations, site: self)
        visit.frame.running = try operations.subscription.jobs(
            JobFilter(status: .inProgress)
        ).count
        var answer: Answer
        do throws(KuraError) {
            answer = try route.answer(visit)
        } catch {
            if error.httpStatus == 500 { logger.error("\(error.message)") }
            answer = Answer(
                error.httpStatus, ErrorPage.problem(Problem(error), visit.frame))
        }
        if request.method == .post { try enter(request, by: account, answer.status) }
        return answer
    }

    private func denied(
        _ request: Request, of account: String, needs role: Role, _ frame: Frame
    ) throws(KuraError) -> Answer {
        try enter(request, by: account, 403, note: "needs the role \(role.rawValue)")
        return Answer(403, ErrorPage.denied(needs: role, frame))
    }

    private func enter(
        _ request: Request, by account: String, _ status: Int, note: String = ""
    ) throws(KuraError) {
        try calls.enter(
            account: account, source: request.source.text,
            request: "\(request.method.rawValue) \(Link(request.path).text)", status: status,
            note: note)
    }

    /// The home, for one request.
    static func open(
        _ home: FilePath, as caller: Caller, environment: [String: String], logger: Logger,
        _ cancellation: Cancellation
    ) throws(KuraError) -> Operations {
        var waits = WaitPolicy()
        waits.limit = 10_000_000_000
        let context = Context(
            caller: caller, directory: "/",
            environment: environment, logger: logger, cancellation: cancellation, waits: waits)
        return Operations(
            try Subscription.open(home: home, create: .nothing, context: context), context)
    }

    /// Whether who asks is let in, without an answer.
    func isKnown(_ request: Request) -> Bool {
        switch request.source {
        case .user(let id): return id == 0 || id == Process.userID
        case .address:
            guard let secret = request.cookies[Self.cookieName(request.isSecure)] else {
                return false
            }
            do throws(KuraError) {
                return try accounts.session(of: secret) != nil
            } catch {
                return false
            }
        }
    }

    // MARK: Signing in

    static func cookieName(_ isSecure: Bool) -> String { isSecure ? "__Host-kura" : "kura" }

    private static func cookie(_ value: String, _ request: Request, ends: Bool = false) -> String {
        "\(cookieName(request.isSecure))=\(value); Path=/; HttpOnly; SameSite=Strict"
            + (request.isSecure ? "; Secure" : "") + (ends ? "; Max-Age=0" : "")
    }

    private func showSignIn(_ request: Request, _ frame: Frame) throws(KuraError) -> Answer {
        if accounts.firstLink != nil { return Answer(200, SignInPage.html(.needsLink, frame)) }
        let next = request.path.isEmpty ? "" : Link(request.path).text
        return Answer(request.path.isEmpty ? 200 : 401, SignInPage.html(.ask, next: next, frame))
    }

    private func signIn(_ request: Request, _ frame: Frame) throws(KuraError) -> Answer {
        let (name, source) = (request.form["account"] ?? "", request.source.text)
        let next = request.form["next"] ?? ""
        switch try accounts.signIn(
            name, password: request.form.exact("password"), from: source)
        {
        case .wrong:
            try enter(request, by: name, 401, note: "wrong password")
            return Answer(401, SignInPage.html(.wrong, account: name, next: next, frame))
        case .tooManyTries:
            try enter(request, by: name, 429, note: "too many tries")
            var answer = Answer(
                429, SignInPage.html(.tooManyTries, account: name, next: next, frame))
            answer.retryAfter = 60
            return answer
        case .done(let secret):
            try enter(request, by: name, 303, note: "signed in")
            var answer = Answer(to: Self.link(next))
            answer.cookies.append(Self.cookie(secret, request))
            return answer
        }
    }

    /// A page of this portal that was wanted before; the first one for everything else.
    private static func link(_ next: String) -> Link {
        guard let known = Request(.get, target: next, from: .user(id: 0)) else { return .home }
        return Link(known.path)
    }

    private func first(_ request: Request, _ frame: Frame) throws(KuraError) -> Answer {
        let token = request.query["token"] ?? request.form["token"] ?? ""
        guard accounts.isFirstSecret(token) else { return Answer(to: .home) }
        guard request.method == .post else {
            return Answer(200, SignInPage.first(token: token, frame))
        }
        let (name, password) = (request.form["account"] ?? "", request.form.exact("password"))
        do throws(KuraError) {
            try accounts.add(name, .owner, password: password)
        } catch {
            guard error.code == .invalidInput else { throw error }
            return Answer(
                400,
                SignInPage.first(
                    token: token, account: name, problem: .failed(name, error.message), frame))
        }
        try enter(request, by: name, 303, note: "the first account")
        return try signIn(request, frame)
    }
}
