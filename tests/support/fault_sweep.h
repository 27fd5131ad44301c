#pragma once

// Runs of enjoin in which system calls fail, and what must hold after each: it ends; it says
// success only where all output and all rows are there; else it says what failed, and has no row
// for a job whose output did not arrive; nothing is left running or lying about.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "support/injector.h"

namespace enjoin::test {

/// A small run whose outcome is known. Each line of a job's output ends in "/KEY".
struct Shape {
  enum class Lines { kTogether, kMixed, kAnyOrder };
  struct Job {
    std::string key;
    std::string out;  ///< all that it writes to stdout
    std::string err = {};
  };
  std::string name;
  std::vector<std::string> arguments;
  std::vector<Job> jobs;  ///< in the order of their numbers
  std::string input = {};
  Lines lines = Lines::kTogether;
  bool ordered = false;
  bool logged = true;  ///< has `--joblog log`
  /// Files in the working folder, and what they hold at the end of a good run.
  std::map<std::string, std::string> given = {};
  /// Where a job's output goes by key, if not to stdout.
  std::map<std::string, std::string> kept_in = {};
};

const std::vector<Shape>& fault_shapes();

struct FaultCounts {
  std::size_t runs = 0;
  std::size_t injected = 0;
  std::size_t went_on = 0;
  std::size_t clean_errors = 0;
  std::size_t violations = 0;

  FaultCounts& operator+=(const FaultCounts& other);
};

/// What is wrong about a run: "" where nothing is.
std::string verdict(const Shape& shape, const Sandbox& box, const Faulted& faulted);

/// Every call of every class that one run makes, once and lasting.
std::vector<Fault> faults_of(const Shape& shape);

/// A violation is a failed check of the test.
void try_fault(const Shape& shape, const Fault& fault, FaultCounts* counts);

/// Every `stride`-th fault of these shapes, or what ENJOIN_FAULTS asks for (see
/// proof_faults_test.cc); prints the counts.
void sweep(const std::vector<std::string>& shapes, std::size_t stride);

}  // namespace enjoin::test
