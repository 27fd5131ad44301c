// libFuzzer target: pipeline files. A file is either refused with an Error, each line of which
// begins with the file's name, or all that it refers to is there.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/error.h"
#include "fuzz/fuzz_input.h"
#include "runner/pipeline/pipeline_file.h"

namespace {

using namespace enjoin;
using enjoin::test::require;

void check_text(const PipelineFile& file, const PipeText& text) {
  require(text.pieces.empty() == text.source.empty());
  for (std::size_t at = 0; at < text.pieces.size(); ++at) {
    const TextPiece& piece = text.pieces[at];
    const bool is_literal = piece.kind == TextPiece::Kind::kLiteral;
    require(!is_literal || !piece.text.empty());
    require(!is_literal || at == 0 || text.pieces[at - 1].kind != TextPiece::Kind::kLiteral);
    if (piece.kind == TextPiece::Kind::kPoolValue) require(piece.index < file.pools.size());
    if (piece.kind == TextPiece::Kind::kStageOut || piece.kind == TextPiece::Kind::kStageOutputs)
      require(piece.index < file.stages.size());
    require(piece.text.find('\0') == std::string::npos);
  }
}

void check_stage(const PipelineFile& file, const PipelineStage& stage) {
  require(!stage.name.empty() && file.find_stage(stage.name).has_value());
  require(stage.run.has_value() == stage.command.empty());
  require(!stage.shell.empty());
  if (stage.run) check_text(file, *stage.run);
  for (const PipeText& word : stage.command) check_text(file, word);
  for (const auto& [name, text] : stage.env)
    if (text) check_text(file, *text);
  for (const PipeText* text :
       {&stage.cwd, &stage.stdin_path, &stage.stdout_path, &stage.stderr_path})
    check_text(file, *text);
  for (const PipeText& path : stage.inputs) check_text(file, path);
  for (const PipeText& path : stage.outputs) check_text(file, path);
  for (const std::size_t need : stage.needs) require(need < file.stages.size());
  for (const std::size_t pool : stage.pools) require(pool < file.pools.size());
  for (const NeedsEach& each : stage.needs_each) require(file.stages.at(each.stage).is_many());
  for (const LinkedSources& sources : stage.foreach) {
    require(!sources.empty());
    for (const ForeachSource& source : sources) {
      for (const PipeText& item : source.items) check_text(file, item);
      if (source.kind == ForeachSource::Kind::kStage) {
        require(file.stages.at(source.stage).is_many());
      } else {
        check_text(file, source.text);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  try {
    const PipelineFile file = read_pipeline(text, "p.toml", {});
    require(!file.stages.empty());
    for (const PipelineStage& stage : file.stages) check_stage(file, stage);
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("p.toml:"));
  }
  return 0;
}
