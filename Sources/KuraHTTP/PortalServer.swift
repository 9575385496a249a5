#if Server
    internal import Hummingbird
    internal import HummingbirdCore
    internal import HummingbirdTLS
    package import KuraService
    package import Logging
    internal import NIOCore
    internal import NIOSSL
    internal import ServiceLifecycle
    internal import UnixSignals

    /// The sockets of a server.
    package struct PortalServer {
        package struct Certificate: Sendable {
            package var chainPath: String
            package var keyPath: String

            package init(chainPath: String, keyPath: String) {
                self.chainPath = chainPath
                self.keyPath = keyPath
            }
        }

        package var kurad: Kurad
        package var logger: Logger
        /// Nil where it does not listen on TCP.
        package var host: String?
        package var port = 8443
        /// Nil for plain HTTP, on loopback only.
        package var certificate: Certificate?
        /// Nil where there is no local socket.
        package var socketPath: String?
        /// Told the address of each socket when it takes connections.
        package var running: @Sendable (String) -> Void = { _ in }

        package init(_ kurad: Kurad, logger: Logger) {
            self.kurad = kurad
            self.logger = logger
        }

        private static let idleSeconds: Int64 = 60
        private static let connectionsMax = 256
        private static let headerBytesMax = 16 << 10
        private static let stopSeconds = 20

        /// Serves until SIGTERM or SIGINT, and ends well.
        package func run() async throws {
            var services: [any Service] = []
            if let host {
                services.append(try application(.hostname(host, port: port), certificate))
            }
            if let socketPath {
                services.append(try application(.unixDomainSocket(path: socketPath), nil))
            }
            var configuration = ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            configuration.maximumGracefulShutdownDuration = .seconds(Self.stopSeconds)
            try await ServiceGroup(configuration: configuration).run()
        }

        /// As a browser takes it, where it is no local socket.
        private static func name(of channel: any Channel, _ certificate: Certificate?) -> String {
            guard let address = channel.localAddress, let port = address.port else {
                return channel.localAddress?.pathname ?? "unknown"
            }
            let host = address.ipAddress ?? "localhost"
            return (certificate == nil ? "http://" : "https://")
                + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        }

        private func application(
            _ address: BindAddress, _ certificate: Certificate?
        ) throws -> Application<PortalResponder> {
            var http1 = HTTP1Channel.Configuration(idleTimeout: .seconds(Self.idleSeconds))
            http1.httpDecoder.maxHeaderFieldSize = Self.headerBytesMax
            http1.httpDecoder.maxHeaderListSize = Self.headerBytesMax
            http1.httpDecoder.maxHeaderFieldCount = 100
            var server = HTTPServerBuilder.http1(configuration: http1)
            if let certificate {
                var tls = TLSConfiguration.makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.chainPath)
                        .map { .certificate($0) },
                    privateKey: .privateKey(
                        try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)))
                tls.minimumTLSVersion = .tlsv12
                server = try .tls(server, tlsConfiguration: tls)
            }
            let running = running
            return Application(
                responder: PortalResponder(kurad: kurad, isSecure: certificate != nil),
                server: server,
                configuration: ApplicationConfiguration(
                    address: address, serverName: nil,
                    availableConnectionsDelegate: MaximumAvailableConnections(
                        Self.connectionsMax)),
                onServerRunning: { channel in running(Self.name(of: channel, certificate)) },
                logger: logger)
        }
    }
#endif
