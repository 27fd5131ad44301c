#pragma once

namespace enjoin {

/// What the executable is called when it is started as a keeper.
inline constexpr char kKeeperName[] = "enjoin-keeper";

/// The whole of the keeper's process and of those of its workers, whichever executable they live
/// in: the small helper, or the program itself where that is one file. Returns the exit status.
int worker_program(int argc, char** argv);

}  // namespace enjoin
