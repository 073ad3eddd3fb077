import DevCommands

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

exit(Program.run(Context.systemArguments(), in: .system()))
