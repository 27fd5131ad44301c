#pragma once

namespace enjoin {

/// The whole of a worker process, whichever executable it lives in: the small helper, or the
/// program itself where that is one file. Returns the exit status.
int worker_program(int argc, char** argv);

}  // namespace enjoin
