// libFuzzer target: where records end, and rows of CSV. Whatever the separators and the text:
// boundaries lie in the text and in order, the blocks put together are the input, and a row's
// fields lie within it.

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "enjoin/error.h"
#include "fuzz/fuzz_input.h"
#include "runner/input/columns.h"
#include "runner/input/csv.h"
#include "runner/pipe/block_source.h"
#include "runner/pipe/record_splitter.h"

namespace {

using namespace enjoin;
using enjoin::test::FuzzInput;
using enjoin::test::require;

std::string text_of(const Block& block) {
  std::string text;
  if (block.kind == Block::Kind::kRange && block.header) text = *block.header;
  const int fd = block.kind == Block::Kind::kRange ? block.file->get() : block.memory.fd();
  std::string bytes(static_cast<std::size_t>(block.length), '?');
  require(::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(block.offset)) ==
          static_cast<ssize_t>(bytes.size()));
  return text + bytes;
}

void try_splitter(const PipeSpec& spec, std::string_view text) {
  const std::unique_ptr<RecordSplitter> splitter = make_splitter(spec);
  const std::size_t last = splitter->last_boundary(text);
  require(last <= text.size());
  RecordSplitter::Scan scan;
  for (std::size_t steps = 0; steps <= text.size(); ++steps) {
    const std::size_t before = scan.boundary;
    if (splitter->skip(text, &scan, 1) == 0) break;
    require(scan.boundary > before && scan.boundary <= text.size());
  }
  for (const auto start :
       {RecordSplitter::TextStart::kRecord, RecordSplitter::TextStart::kAnywhere})
    require(splitter->boundary_at(text, text.size() / 2, start) <= text.size());
  std::string kept(text);
  require(make_remover(spec)->remove(kept.data(), kept.size()) <= kept.size());
}

void try_blocks(PipeSpec spec, const InputSpec& columns, std::string_view text, bool ranges) {
  spec.mode = PipeSpec::Mode::kPipe;
  const ipc::UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  require(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  const auto source = open_blocks(spec, columns, file.get(), {.workers = 2, .ranges = ranges});
  std::string all;
  Block block;
  std::size_t blocks = 0;
  for (;;) {
    const Pull pull = source->pull(&block);
    if (pull == Pull::kEnd) break;
    if (pull == Pull::kWouldBlock) continue;
    require(++blocks <= text.size() + 1);
    all += text_of(block);
    if ((blocks & 1) == 0) source->recycle(std::move(block));
  }
  if (spec.header.empty() && !spec.remove_separator) require(all == text);
}

void try_rows(const std::string& delimiter, std::string_view text) {
  CsvParser parser(delimiter);
  std::vector<std::string_view> fields;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t size = std::min(rest.find('\n'), rest.size());
    if (parser.parse(rest.substr(0, size), &fields) == CsvParser::Result::kRow) {
      std::size_t bytes = 0;
      for (const std::string_view field : fields) bytes += field.size();
      require(!fields.empty() && bytes <= size);
    }
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::uint8_t switches = input.number();
  const std::uint8_t more = input.number();
  PipeSpec spec;
  spec.record_end = input.text(6);
  spec.record_start = input.text(6);
  spec.regex = (switches & 1) != 0 && !(spec.record_end.empty() && spec.record_start.empty());
  spec.remove_separator = (switches & 2) != 0;
  spec.records_per_block = (switches & 4) != 0 ? more % 5 : 0;
  spec.lines_per_record = (switches & 8) != 0 ? more / 64 : 0;
  if ((switches & 16) != 0) spec.header = (switches & 32) != 0 ? ":" : input.text(6);
  spec.block_bytes = 1 + input.number() % 64;
  InputSpec columns;
  columns.csv = (switches & 64) != 0 && !spec.regex;
  const std::string_view text = input.rest();
  try {
    try_splitter(spec, text);
    try_blocks(spec, columns, text, (switches & 128) != 0);
    if (!spec.record_end.empty()) {
      std::vector<std::string_view> cut;
      ColumnCutter(spec.record_end).cut(text, &cut);
      require(!cut.empty());
    }
  } catch (const Error&) {
    // A separator that is no regular expression, a row that is none.
  }
  try_rows(spec.record_end.empty() ? "," : spec.record_end, text);
  return 0;
}
