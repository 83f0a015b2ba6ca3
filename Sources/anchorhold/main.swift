internal import Linux

// A reader that goes away is an error of the write, with a status of its own, not a signal.
Signal.ignoreBrokenPipe()
Process.exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
