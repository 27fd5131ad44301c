#include "runner/dry_run.h"

#include <cerrno>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "enjoin/error.h"
#include "ipc/layout.h"
#include "runner/batch.h"
#include "worker/decorate.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 60'000;
constexpr int kReaderGone = 255;

// False: the reader has had enough.
bool flush(std::string* out) {
  std::string_view rest = *out;
  while (!rest.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EPIPE) return false;
    if (done < 0) throw system_error("cannot write the commands", errno);
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  out->clear();
  return true;
}

}  // namespace

int print_commands(const Options& options) {
  const Template command = Template::parse(options.command);
  const std::unique_ptr<InputSource> source = open_input(options.input);
  const std::uint32_t workers = parse_jobs(options.jobs_text, usable_cpus(), ipc::kMaxWorkers);
  std::optional<Template> tag;
  if (const auto spec = tag_template(options)) tag = Template::parse(*spec);
  Batcher batcher(*source, batch_spec(options, workers), command);
  Batch batch;
  std::vector<std::string_view> values;
  std::string line;
  std::string tag_text;
  std::string out;
  std::uint64_t seq = 0;
  while (true) {
    const Pull pulled = batcher.pull(&batch);
    if (pulled == Pull::kEnd) break;
    if (pulled == Pull::kWouldBlock) {
      if (!flush(&out)) return kReaderGone;
      pollfd watched{batcher.wait_fd(), POLLIN, 0};
      ::poll(&watched, 1, -1);
      continue;
    }
    values.clear();
    const char* at = batch.bytes.data();
    for (std::uint32_t i = 0; i < batch.values; ++i) {
      values.emplace_back(at);
      at += values.back().size() + 1;
    }
    const JobNumbers numbers{++seq, static_cast<std::uint32_t>((seq - 1) % workers + 1)};
    command.expand_line({values, batch.columns}, numbers, &line);
    line += '\n';
    if (tag) {
      tag->expand_line({values, batch.columns}, numbers, &tag_text);
      LineTagger(tag_text).append(line, &out);
    } else {
      out += line;
    }
    if (out.size() > kBlockBytes && !flush(&out)) return kReaderGone;
  }
  return flush(&out) ? 0 : kReaderGone;
}

}  // namespace enjoin
