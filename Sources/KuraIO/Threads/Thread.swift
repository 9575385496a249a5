internal import Glibc

/// One thread that runs one closure. Its owner joins or detaches it.
final class Thread {
    private var handle = pthread_t()

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run))
        let status = pthread_create(
            &handle, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        // Without threads nothing works; the kernel refuses them only far beyond our numbers.
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    func join() { pthread_join(handle, nil) }

    func detach() { pthread_detach(handle) }
}
