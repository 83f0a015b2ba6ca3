// The way in that a test build has and no other: a relay or an init that somebody took over.
#pragma once
#ifdef CL_BACKDOOR
#include <stdbool.h>
#include <stddef.h>

// The relay's descriptors, which its backdoor may be told to use by name.
struct cp_backdoor {
  int control, audit, error, client;
};

// Does what `line` says if it begins with "backdoor "; false for any other line.
//   backdoor try NAME           an attempt of CProbe, made by this very process
//   backdoor call NUMBER ARG…   a system call; an ARG is a number, the name of a descriptor above,
//                               or "text": a pointer to some bytes
//   backdoor say HEX TIMES      writes these bytes to the control socket so many times
//   backdoor after HEX          the same once the monitor says something, and then nothing
//   backdoor hand HEX           the same once, with a descriptor attached
//   backdoor deaf | spin        never again answers, reads or ends; without or with working hard
// What came of it is one line of JSON on `error`.
bool cp_backdoor(const struct cp_backdoor *ends, const char *line, size_t length);
#endif
