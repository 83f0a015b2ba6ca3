// The baseline of bench-decode: the DOM parse of the same lines by simdjson, which makes a tape of each
// and looks neither for duplicate keys nor at what they are, and emits nothing.
//   simdjson FILE ROUNDS   prints, for each line, its bytes and the nanoseconds of one parse
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

// Nanoseconds of the processor that this took.
static double now() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  std::ifstream file(argv[1]);
  int rounds = std::atoi(argv[2]);
  simdjson::dom::parser parser;
  for (std::string text; std::getline(file, text);) {
    simdjson::padded_string line(text);
    size_t count = std::max<size_t>(1, 200000 / text.size());
    std::vector<double> times;
    for (int round = 0; round < rounds; round++) {
      double start = now();
      for (size_t i = 0; i < count; i++) {
        if (parser.parse(line).error()) return 1;
      }
      times.push_back(now() - start);
    }
    std::sort(times.begin(), times.end());
    std::printf("%zu %.0f\n", text.size(), times[rounds / 2] / count);
  }
}
