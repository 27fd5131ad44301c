// The whole of ninja's own main, with our runner in its builder.

#include "enjoin_runner.h"

// What ninja.cc includes itself must not see the name below.
#include "build_log.h"
#include "clean.h"
#include "deps_log.h"
#include "graphviz.h"
#include "missing_deps.h"
#include "state.h"
#include "status.h"

#define Builder BuilderOnEnjoin
#include "ninja.cc"
