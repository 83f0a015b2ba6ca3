// An init that somebody took over, for the test build and no other: a queued SIGUSR2 says what it
// does after the seal.
#ifdef CL_BACKDOOR
#define _GNU_SOURCE
#include "cell.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void stay(void) {
  for (;;) pause();
}

void cl_cell_backdoor(int socket, int what) {
  struct cl_report report = {.kind = CL_REPORT_ENDED};
  char longer[sizeof report + 1] = {0};
  switch (what) {
    case 1: send(socket, &report, 4, MSG_NOSIGNAL); break;
    case 2:
      memcpy(longer, &report, sizeof report);
      send(socket, longer, sizeof longer, MSG_NOSIGNAL);
      break;
    case 3:
      report.kind = 77;
      send(socket, &report, sizeof report, MSG_NOSIGNAL);
      break;
    case 4:
    case 5:
    case 6:
      report.kind = what == 4 ? CL_REPORT_SERVER : what == 5 ? CL_REPORT_FAILURE : CL_REPORT_INIT;
      memset(report.subject, 0xff, sizeof report.subject);
      report.step = 1 << 30;
      report.error = -1;
      send(socket, &report, sizeof report, MSG_NOSIGNAL);
      break;
    case 7: cl_send_passing(socket, &report, sizeof report, socket); break;
    case 8:
      send(socket, &report, sizeof report, MSG_NOSIGNAL);
      send(socket, &report, sizeof report, MSG_NOSIGNAL);
      break;
    case 9:
      // The server lives on: init is believed, and ended with everything in the cell.
      report.status = 7 << 8;
      send(socket, &report, sizeof report, MSG_NOSIGNAL);
      break;
    case 10: close(socket); break;
    case 11:
      for (;;) send(socket, &report, 4, MSG_NOSIGNAL);
    case 12: break;
  }
  stay();
}
#endif
