// Five workers and ten jobs, as courses on threads set it: what they print is never mixed, and the
// next step waits for all of them. Processes here; Workers::kThreads is the same program.

#include <string>

#include <enjoin/pool.h>
#include <enjoin/shared.h>

namespace {

long square(enjoin::shared::Memory, enjoin::shared::Counter sum, int number);

}  // namespace
