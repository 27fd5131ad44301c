#pragma once

#include <vector>

#include "support/killed_team.h"

namespace enjoin::test {

/// The plays of the proof, each for one part of a worker's life.
std::vector<Play> all_plays();
Play play_named(const std::string& name);

}  // namespace enjoin::test
