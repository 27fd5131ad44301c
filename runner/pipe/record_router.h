#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runner/cli/options.h"
#include "runner/input/input_source.h"
#include "runner/pipe/key_column.h"

namespace enjoin {

/// Says which of `jobs` jobs a line goes to: --shard (by a hash of the key) and --bin (by the key
/// as a number: 1 is the first job's, beyond the last it begins anew). Equal keys always go to the
/// same job.
class RecordRouter {
 public:
  /// One of pipe.shard and pipe.bin is set. Throws as KeyColumn does.
  RecordRouter(const PipeSpec& pipe, const InputSpec& input, std::uint32_t jobs);

  /// Appends each line of `block` to the part of its job; parts.size() is `jobs`. `block` is whole
  /// lines; the input's last one needs no newline. Where the column is given by name, the very
  /// first line tells the names and goes nowhere, as under GNU parallel.
  void route(std::string_view block, std::span<std::string> parts);

 private:
  std::size_t job_of(const std::string& key) const;

  KeyColumn key_;
  const bool by_number_;
  const std::uint32_t jobs_;
  bool header_pending_;
  std::vector<std::string_view> lines_;
  std::vector<std::string> keys_;
};

}  // namespace enjoin
