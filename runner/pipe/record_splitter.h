#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runner/cli/options.h"

namespace enjoin {

/// Where records end. Pure: it sees text and gives offsets. One thread at a time.
///
/// A boundary is an offset at which one record ends and the next may begin: behind a match of
/// recend, before a match of recstart, or, with both, between a recend and the recstart that
/// follows it at once. Offset 0 is none. The end of the text is one only behind a recend that
/// needs no recstart: else it is not known yet what follows. Texts begin with a record.
class RecordSplitter {
 public:
  virtual ~RecordSplitter() = default;

  /// The header that was taken off the input. Comes first, where there is one.
  virtual void set_header(std::string_view /*header*/) {}
  /// The texts from now on end where the input ends.
  virtual void note_end() {}

  /// The last boundary in `text`; 0: there is none. The first `searched` bytes are known to hold
  /// none.
  virtual std::size_t last_boundary(std::string_view text, std::size_t searched = 0) = 0;

  /// How far one has come in a text.
  struct Scan {
    std::size_t boundary = 0;  ///< the last one that was found, or where to begin
    std::size_t searched = 0;  ///< no boundary lies between the two
  };
  /// Goes over up to `count` boundaries behind scan->boundary; returns how many there were.
  virtual std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) = 0;

  /// Whether the input, which begins so, begins with something that is no record: it is handed out
  /// by itself. As GNU parallel has it, for --regexp with --recstart only.
  virtual bool begins_midway(std::string_view /*text*/) { return false; }

  enum class TextStart : std::uint8_t { kRecord, kAnywhere };
  /// The first boundary whose separator begins at or behind `from`, for cutting a text at about
  /// that place; 0: none can be told.
  virtual std::size_t boundary_at(std::string_view text, std::size_t from, TextStart start) = 0;

  /// True where a boundary can be told only when more of the text is at hand, or telling it is
  /// dear: whoever waits for text should not ask before there is a block of it.
  virtual bool wants_much() const { return false; }
  /// True where a block at the end of the input is cut like any other, and an incomplete record
  /// becomes a block of its own (-L).
  virtual bool cuts_end() const { return false; }

  /// When only a part of a text is searched: what is found so near to where it was cut does not
  /// count. 0: boundaries cannot be told from parts.
  virtual std::size_t reach() const = 0;
};

/// The splitter that `spec` describes, but for group_by; where -L and -N are both given, records
/// are single lines. Throws UsageError where a regular expression cannot be compiled.
std::unique_ptr<RecordSplitter> make_splitter(const PipeSpec& spec);

/// Takes the separators that --remove-rec-sep means out of `bytes`; gives the new size. Those are
/// recend followed by recstart, a recstart at the start and a recend at the end.
class SeparatorRemover {
 public:
  virtual ~SeparatorRemover() = default;
  virtual std::size_t remove(char* bytes, std::size_t size) = 0;
};
std::unique_ptr<SeparatorRemover> make_remover(const PipeSpec& spec);

}  // namespace enjoin
