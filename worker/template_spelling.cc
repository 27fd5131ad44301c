#include "worker/template_spelling.h"

#include <algorithm>
#include <limits>

namespace enjoin {
namespace {

using Kind = Piece::Kind;

// A position that no number of values reaches.
constexpr std::int32_t kNowhere = std::numeric_limits<std::int32_t>::max();

struct BuiltIn {
  std::string_view text;
  Piece piece;
};

constexpr Piece part(ValuePart part) {
  return {.kind = Kind::kValue, .part = part};
}

constexpr BuiltIn kBuiltIns[] = {
    {"{.}", part(ValuePart::kNoExtension)}, {"{/}", part(ValuePart::kBase)},
    {"{//}", part(ValuePart::kDirectory)},  {"{/.}", part(ValuePart::kBaseNoExtension)},
    {"{#}", {.kind = Kind::kSeq}},          {"{%}", {.kind = Kind::kSlot}},
};

constexpr BuiltIn kPlus[] = {
    {"{..}", part(ValuePart::kNo2Extensions)},
    {"{...}", part(ValuePart::kNo3Extensions)},
    {"{/..}", part(ValuePart::kBaseNo2Extensions)},
    {"{/...}", part(ValuePart::kBaseNo3Extensions)},
    {"{+/}", part(ValuePart::kFolder)},
    {"{+.}", part(ValuePart::kExtension)},
    {"{+..}", part(ValuePart::k2Extensions)},
    {"{+...}", part(ValuePart::k3Extensions)},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t blanks(std::string_view text) {
  return std::min(text.find_first_not_of(" \t\n"), text.size());
}

std::int32_t to_position(std::string_view digits, bool from_end) {
  std::int32_t number = 0;
  for (const char digit : digits) {
    if (number > kNowhere / 10 - 1) return kNowhere;
    number = number * 10 + (digit - '0');
  }
  if (!from_end) return number;
  return number == 0 ? kNowhere : -number;
}

}  // namespace

SpellingTable::SpellingTable(const TemplateSpec& spec) {
  // The first of equal ones counts, so what was given may take any of the others' names; where the
  // same was given to several, {%} counts before {#}, that before {/.} and so on up.
  std::vector<Spelling> kept;
  for (const BuiltIn& built_in : kBuiltIns) {
    std::string text(built_in.text);
    for (const TemplateSpec::Rename& rename : spec.renames) {
      if (rename.from == built_in.text) text = rename.to;
    }
    if (text == built_in.text) {
      kept.push_back({std::move(text), built_in.piece});
    } else {
      spellings_.insert(spellings_.begin(), {std::move(text), built_in.piece});
    }
  }
  spellings_.push_back({spec.replace_string, whole()});
  spellings_.insert(spellings_.end(), kept.begin(), kept.end());
  if (!spec.plus) return;
  for (const BuiltIn& plus : kPlus) spellings_.push_back({std::string(plus.text), plus.piece});
}

// `text` begins with spelling {x} written with a position, as {12x}.
SpellingTable::Match SpellingTable::match_position(std::string_view text,
                                                   const Spelling& spelling) {
  const std::string_view name(spelling.text);
  if (name.size() < 2 || name.front() != '{' || name.back() != '}' || !text.starts_with('{')) {
    return {};
  }
  const std::string_view tail = name.substr(1);
  const bool from_end = text.substr(1).starts_with('-');
  const std::size_t begin = from_end ? 2 : 1;
  std::size_t end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  // There may be blanks behind the number, but the tail may begin with digits itself.
  std::size_t tail_at = end + blanks(text.substr(end));
  if (!text.substr(tail_at).starts_with(tail)) {
    while (end > begin && !text.substr(end).starts_with(tail)) --end;
    tail_at = end;
  }
  if (end == begin) return {};
  Match match{.size = tail_at + tail.size(), .tag_size = name.size(), .piece = spelling.piece};
  const std::int32_t position = to_position(text.substr(begin, end - begin), from_end);
  if (match.piece.kind == Kind::kValue) {
    match.piece.position = position;
  } else if (position != 0) {
    match.piece.kind = Kind::kNothing;  // a job has its numbers once, not for one of its values
  }
  return match;
}

SpellingTable::Match SpellingTable::match(std::string_view text) const {
  Match best;
  for (const Spelling& spelling : spellings_) {
    const std::size_t size = spelling.text.size();
    if (size > best.size && text.starts_with(spelling.text)) {
      best = {.size = size, .tag_size = size, .piece = spelling.piece};
    }
  }
  for (const Spelling& spelling : spellings_) {
    const Match match = match_position(text, spelling);
    if (match.size > best.size) best = match;
  }
  return best;
}

std::int32_t read_position(std::string_view text, std::size_t* size) {
  const bool from_end = text.starts_with('-');
  const std::size_t begin = from_end ? 1 : 0;
  std::size_t end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  *size = end == begin ? 0 : end + blanks(text.substr(end));
  return to_position(text.substr(begin, end - begin), from_end);
}

}  // namespace enjoin
