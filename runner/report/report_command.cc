#include "runner/report/report_command.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/record/record_file.h"
#include "runner/report/junit.h"
#include "runner/report/report_reader.h"
#include "runner/report/report_text.h"

namespace enjoin {
namespace {

/// Not all of it: a reader that has had enough (`| head`) is nothing to speak of.
void write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EPIPE) return;
    if (done < 0) throw Error(fmt::format("cannot write {}: {}", name, std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

void write_file(const std::string& path, std::string_view text) {
  if (path == "-") return write_all(STDOUT_FILENO, text, "the report");
  const ipc::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
  if (!file) throw Error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  write_all(file.get(), text, path);
}

std::string junit(ReportReader& reader, const RunFacts& run) {
  JunitOut out(run);
  reader.each_attempt(run.run, [&](const AttemptFacts& attempt) { out.add(attempt); });
  return out.take();
}

}  // namespace

int report_command(const ReportOptions& options) {
  const std::string path = options.database.empty() ? kDefaultRecord : options.database;
  const std::unique_ptr<Database> record = open_record(path);
  ReportReader reader(*record);
  const std::int64_t run = reader.find_run(options.run);
  if (!options.junit.empty()) {
    write_file(options.junit, junit(reader, reader.read(run).run));
    if (!options.json && !options.flaky) return 0;
  }
  const auto flaky_of = options.run ? std::optional(run) : std::nullopt;
  std::string text;
  if (options.json) {
    text = report_json(reader.read(run), reader.flaky(flaky_of));
  } else if (options.flaky) {
    text = flaky_text(reader.flaky(flaky_of));
  } else {
    text = report_text(reader.read(run), path);
  }
  write_all(STDOUT_FILENO, text, "the report");
  return 0;
}

}  // namespace enjoin
