#if Server
    await KuradCommand.start()
#else
    import Glibc

    // Without the trait nothing of the web is built.
    let words = "error: this kurad was built without the trait Server\n"
    _ = words.utf8CString.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count - 1) }
    exit(69)
#endif
