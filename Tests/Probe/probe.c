// probe try NAME...   tries each NAME and prints one JSON line for each (the positive control)
// probe serve [...]   speaks MCP on stdin and stdout; the tool `attempt` does the same from there
// probe landlock [...] tries with Landlock as the only wall; see landlock.c
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "try") == 0) {
    for (int i = 2; i < argc; i++) {
      struct cp_outcome out;
      struct cp_buffer line = {0};
      cp_attempt_apart(argv[i], &out, 0);
      cp_append_outcome(&line, argv[i], &out);
      cp_append(&line, "\n", 1);
      if (write(1, line.bytes, line.length) < 0) return 1;
    }
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "landlock") == 0) return landlock(argc, argv);
  return serve(argc, argv);
}
