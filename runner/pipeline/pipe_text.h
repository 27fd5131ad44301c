#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace enjoin {

/// A place in a pipeline file, from 1. Line 0: not in the file (--set, a default of ours).
struct FilePosition {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// A part of a text of a pipeline file: literal, or something in braces.
struct TextPiece {
  enum class Kind : std::uint8_t {
    kLiteral,       ///< `text`; in `run` it is shell syntax as it stands
    kValues,        ///< {VARIABLE}, called `text`: `values`, one or, of a list, any number
    kColumn,        ///< {COLUMN}: of the job's item, called `text`
    kMaybeColumn,   ///< the same if the item has such a column; else literal "{text}"
    kItem,          ///< {item}
    kOut,           ///< {out}: the job's first output
    kOutputs,       ///< {outputs}: all of them
    kStageOut,      ///< {STAGE.out}: the first output of the job of `index` that this one needs
    kStageOutputs,  ///< {STAGE.outputs}: all outputs of all jobs of `index` that this one needs
    kCpus,          ///< {cpus}
    kMemory,        ///< {memory}: what this attempt asks for, in bytes
    kAttempt,       ///< {attempt}, from 1
    kPoolValue,     ///< {POOL}: the value of pool `index` that the job was handed
  } kind = Kind::kLiteral;
  std::string text;
  std::vector<std::string> values;
  std::size_t index = 0;  ///< in PipelineFile::stages or ::pools
  bool as_file = false;   ///< {…@file}: the path of a file that holds the values, one a line

  /// Known only when an attempt starts.
  bool is_of_start() const {
    return kind == Kind::kMemory || kind == Kind::kAttempt || kind == Kind::kPoolValue;
  }
  /// May stand for any number of values: in argv, alone in its word, for as many words.
  bool is_many() const {
    return !as_file && (kind == Kind::kOutputs || kind == Kind::kStageOutputs ||
                        (kind == Kind::kValues && values.size() != 1));
  }
};

/// A text with replacement strings, read and checked. Adjacent literals are one piece; an empty
/// text has none. In shell lines each value is quoted, several are joined by blanks; elsewhere they
/// stand as they are, several joined by blanks likewise.
struct PipeText {
  std::vector<TextPiece> pieces;
  FilePosition at;
  std::string source;  ///< as it was written
  bool empty() const { return source.empty(); }
};

}  // namespace enjoin
