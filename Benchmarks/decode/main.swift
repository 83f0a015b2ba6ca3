import Glibc
import Wire

// How long the strict decode takes for the lines of a file: bench-decode FILE ROUNDS prints, for each
// line, its bytes and the nanoseconds of one decode, the median of so many rounds.

func bytes(of path: String) -> [UInt8] {
  guard let file = fopen(path, "r") else { fatalError("no \(path)") }
  var bytes: [UInt8] = []
  while true {
    let before = bytes.count
    bytes.append(addingCapacity: 1 << 20) { out in
      out.withUnsafeMutableBufferPointer { buffer, count in
        count = fread(buffer.baseAddress, 1, 1 << 20, file)
      }
    }
    if bytes.count == before { break }
  }
  fclose(file)
  return bytes
}

let rounds = Int(CommandLine.arguments[2]) ?? 1
/// Nanoseconds of the processor that this took: on a shared machine the wall clock is fair to short
/// rounds alone.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

var decoder = Decoder(limits: WireLimits(maxSize: 64 << 20, maxDepth: 64))
var document = Document()
for slice in bytes(of: CommandLine.arguments[1]).split(separator: 0x0a) {
  let line = Array(slice)
  // Short lines in groups, because the clock takes time as well.
  let count = max(1, 200_000 / line.count)
  var times: [Double] = []
  for _ in 0..<rounds {
    let start = now()
    for _ in 0..<count { try decoder.decode(line.span, into: &document) }
    times.append(now() - start)
  }
  print(line.count, Int(times.sorted()[rounds / 2] / Double(count)))
}
