#if Server
    await KuradCommand.start()
#else
    import Glibc

    // Without the trait nothing of the web is built.
    let words = """
        kurad: error: this kurad was built without the trait Server
          help: swift build -c release --traits Server --product kurad

        """
    _ = words.utf8CString.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count - 1) }
    exit(69)
#endif
