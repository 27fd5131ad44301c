#include "worker/worker_start.h"

#include <charconv>
#include <cstring>
#include <fcntl.h>

#include "enjoin/error.h"

namespace enjoin {

std::string to_word(const WorkerStart& s) {
  std::string word;
  for (const std::int64_t number :
       {std::int64_t{s.id.number}, std::int64_t{s.id.generation}, std::int64_t{s.supervisor_pid},
        std::int64_t{s.table}, std::int64_t{s.control}, std::int64_t{s.results},
        std::int64_t{s.config}, std::int64_t{s.event}, std::int64_t{s.socket},
        std::int64_t{s.spool[0]}, std::int64_t{s.spool[1]}, std::int64_t{s.capture[0]},
        std::int64_t{s.capture[1]}}) {
    if (!word.empty()) word += ',';
    word += std::to_string(number);
  }
  return word;
}

WorkerStart worker_start_from(const char* word) {
  std::int64_t numbers[13];
  const char* const end = word + std::strlen(word);
  const char* at = word;
  for (std::int64_t& number : numbers) {
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) throw Error("not started by enjoin");
    at = next == end ? next : next + 1;
  }
  WorkerStart start;
  start.id = {static_cast<std::uint32_t>(numbers[0]), static_cast<std::uint32_t>(numbers[1])};
  start.supervisor_pid = static_cast<std::uint32_t>(numbers[2]);
  int* const descriptors[] = {&start.table,      &start.control,   &start.results,  &start.config,
                              &start.event,      &start.socket,    &start.spool[0], &start.spool[1],
                              &start.capture[0], &start.capture[1]};
  for (int i = 0; i < WorkerStart::kDescriptors; ++i) {
    *descriptors[i] = static_cast<int>(numbers[3 + i]);
    // Inherited through exec on purpose; never by jobs.
    ::fcntl(*descriptors[i], F_SETFD, FD_CLOEXEC);
  }
  return start;
}

}  // namespace enjoin
