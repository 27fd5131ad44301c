#pragma once

#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/input/input_source.h"

// Input sources for tests, and all that they deliver.

namespace enjoin::test {

using Values = std::vector<std::string>;
using Records = std::vector<Values>;

inline std::string fd_path(const ipc::UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

/// A file that has no name.
class InputFile {
 public:
  explicit InputFile(std::string_view bytes) : fd_(::memfd_create("input", MFD_CLOEXEC)) {
    REQUIRE(::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  SourceSpec source() const { return {SourceSpec::Kind::kFile, {}, fd_path(fd_)}; }

 private:
  ipc::UniqueFd fd_;
};

class InputPipe {
 public:
  InputPipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read_end_.reset(fds[0]);
    write_end_.reset(fds[1]);
  }
  void write(std::string_view bytes) {
    REQUIRE(::write(write_end_.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void close() { write_end_.reset(); }
  SourceSpec source() const { return {SourceSpec::Kind::kFile, {}, fd_path(read_end_)}; }

 private:
  ipc::UniqueFd read_end_;
  ipc::UniqueFd write_end_;
};

inline SourceSpec arguments(std::vector<std::string> list) {
  return {SourceSpec::Kind::kArguments, std::move(list), {}};
}

inline InputSpec input(std::vector<SourceSpec> sources, std::string delimiter = "\n") {
  InputSpec spec;
  spec.sources = std::move(sources);
  spec.delimiter = std::move(delimiter);
  return spec;
}

inline std::vector<std::string> copy_of(const Record& record) {
  return {record.values.begin(), record.values.end()};
}

inline Records read_all(InputSpec spec) {
  auto source = open_input(std::move(spec));
  Records records;
  Record record;
  while (source->pull(&record) == Pull::kRecord) records.push_back(copy_of(record));
  CHECK(source->pull(&record) == Pull::kEnd);
  return records;
}

inline std::string error_of(InputSpec spec) {
  try {
    read_all(std::move(spec));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace enjoin::test
