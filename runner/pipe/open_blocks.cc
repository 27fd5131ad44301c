#include <cerrno>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "enjoin/error.h"
#include "runner/pipe/block_source.h"
#include "runner/pipe/counted_blocks.h"
#include "runner/pipe/csv_splitter.h"
#include "runner/pipe/filled_blocks.h"
#include "runner/pipe/group_splitter.h"
#include "runner/pipe/key_column.h"
#include "runner/pipe/range_blocks.h"
#include "runner/pipe/stream_blocks.h"

namespace enjoin {
namespace {

using SourcePtr = std::unique_ptr<BlockSource>;

/// Options that contradict, or that this cannot do.
void check(const PipeSpec& spec) {
  if (spec.block_bytes == 0) throw UsageError("--block 0: a block holds at least one byte");
  if (!spec.group_by.empty() && spec.remove_separator)
    throw UsageError("--group-by and --remove-rec-sep do not go together: drop one");
  if (spec.mode == PipeSpec::Mode::kPipe) {
    if (spec.blocks_per_worker > 0)
      throw UsageError("--block -N needs the size of the input: use it with --pipe-part -a FILE");
    return;
  }
  if (spec.records_per_block > 0)
    throw UsageError("-N does not go with --pipe-part: use --block SIZE, or --pipe < FILE");
  if (spec.lines_per_record > 0)
    throw UsageError("-L does not go with --pipe-part: use --block SIZE, or --pipe < FILE");
  if (spec.block_timeout.count() > 0)
    throw UsageError("--block-timeout does not go with --pipe-part: files are there at once");
}

/// Whether blocks can be told by reading around their ends only.
bool is_cut_at_places(const PipeSpec& spec, const InputSpec& input) {
  return !input.csv && spec.records_per_block == 0 && spec.lines_per_record == 0 &&
         spec.group_by.empty() && !spec.regex && !spec.remove_separator;
}

/// A file that holds what its size says: those of /proc and /sys do not.
bool holds_its_size(int fd, const struct stat& status) {
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) return false;
  char last;
  return ::pread(fd, &last, 1, status.st_size - 1) == 1;
}

/// --shard and --bin send lines, one by one.
PipeSpec lines_of(PipeSpec spec) {
  spec.record_end = "\n";
  spec.record_start.clear();
  spec.regex = spec.remove_separator = false;
  spec.records_per_block = spec.lines_per_record = 0;
  if (names_column(spec.shard.empty() ? spec.bin : spec.shard)) spec.header.clear();
  return spec;
}

std::unique_ptr<RecordSplitter> splitter_for(PipeSpec* spec, const InputSpec& input) {
  const bool by_lines = spec->record_end == "\n" && spec->record_start.empty() && !spec->regex;
  auto records = input.csv && by_lines && spec->lines_per_record == 0 ? make_csv_splitter()
                                                                      : make_splitter(*spec);
  if (spec->group_by.empty()) return records;
  return make_group_splitter(spec, input, std::move(records));
}

SourcePtr open_stream(PipeSpec spec, const InputSpec& input, int fd, const BlockUse& use) {
  auto splitter = splitter_for(&spec, input);
  struct stat status;
  if (::fstat(fd, &status) != 0) throw system_error("cannot read stdin", errno);
  const off_t offset = ::lseek(fd, 0, SEEK_CUR);
  if (use.ranges && offset >= 0 && is_cut_at_places(spec, input) && holds_its_size(fd, status)) {
    return std::make_unique<StdinRanges>(spec, std::move(splitter), RangeFile(fd, "stdin"),
                                         static_cast<std::uint64_t>(offset), use);
  }
  StreamReader reader(fd, "stdin");
  if (spec.records_per_block > 0)
    return std::make_unique<CountedBlocks>(spec, std::move(splitter), std::move(reader), use);
  return std::make_unique<StreamBlocks>(spec, std::move(splitter), std::move(reader), use);
}

SourcePtr open_files(PipeSpec spec, const InputSpec& input, const BlockUse& use) {
  std::vector<std::string> paths;
  for (const SourceSpec& source : input.sources) {
    if (source.kind != SourceSpec::Kind::kFile) continue;
    if (source.path == "-")
      throw UsageError("--pipe-part cannot cut stdin: use --pipe, or name the file with -a");
    paths.push_back(source.path);
  }
  if (paths.empty()) throw UsageError("--pipe-part needs a file: name it with -a FILE");
  auto splitter = splitter_for(&spec, input);
  return std::make_unique<PartBlocks>(spec, std::move(splitter), std::move(paths), use);
}

}  // namespace

SourcePtr open_blocks(const PipeSpec& pipe, const InputSpec& input, const BlockUse& use) {
  return open_blocks(pipe, input, STDIN_FILENO, use);
}

SourcePtr open_blocks(const PipeSpec& pipe, const InputSpec& input, int fd, const BlockUse& given) {
  check(pipe);
  BlockUse use = given;
  use.skip_first_line = input.skip_first_line;
  if (!pipe.shard.empty() || !pipe.bin.empty()) return open_stream(lines_of(pipe), input, fd, use);
  SourcePtr source = pipe.mode == PipeSpec::Mode::kPart ? open_files(pipe, input, use)
                                                        : open_stream(pipe, input, fd, use);
  if (!input.no_run_if_empty) return source;
  return std::make_unique<FilledBlocks>(std::move(source), pipe);
}

}  // namespace enjoin
