#include <algorithm>
#include <limits>

#include "enjoin/error.h"
#include "worker/shell_quote.h"
#include "worker/template_plan.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

// A position that no number of values reaches.
constexpr std::int32_t kNowhere = std::numeric_limits<std::int32_t>::max();

/// One replacement string. Where it is in braces, {x}, then {1x} {-1x} and so on belong to it.
struct Spelling {
  std::string text;
  Piece piece;
};

std::vector<Spelling> make_spellings(const std::string& replace_string) {
  // The first of equal ones counts, so -I may take any of the others' names.
  return {
      {replace_string, {.kind = Kind::kValue, .part = ValuePart::kWhole}},
      {"{.}", {.kind = Kind::kValue, .part = ValuePart::kNoExtension}},
      {"{/}", {.kind = Kind::kValue, .part = ValuePart::kBase}},
      {"{//}", {.kind = Kind::kValue, .part = ValuePart::kDirectory}},
      {"{/.}", {.kind = Kind::kValue, .part = ValuePart::kBaseNoExtension}},
      {"{#}", {.kind = Kind::kSeq}},
      {"{%}", {.kind = Kind::kSlot}},
  };
}

struct Match {
  std::size_t size = 0;
  Piece piece;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
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

/// `text` begins with spelling {x} written with a position, as {12x}.
Match match_position(std::string_view text, const Spelling& spelling) {
  const std::string_view name(spelling.text);
  if (name.size() < 2 || name.front() != '{' || name.back() != '}' || !text.starts_with('{')) {
    return {};
  }
  const std::string_view tail = name.substr(1);
  const bool from_end = text.substr(1).starts_with('-');
  const std::size_t begin = from_end ? 2 : 1;
  std::size_t end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  // The tail may begin with digits itself.
  while (end > begin && !text.substr(end).starts_with(tail)) --end;
  if (end == begin) return {};
  Match match{.size = end + tail.size(), .piece = spelling.piece};
  match.piece.position = to_position(text.substr(begin, end - begin), from_end);
  // A job has its numbers once, not for one of its values.
  const bool is_number = match.piece.kind != Kind::kValue;
  if (is_number && match.piece.position != 0) match.piece.kind = Kind::kNothing;
  return match;
}

/// The longest replacement string that `text` begins with; of size 0 where there is none.
Match match_any(std::string_view text, const std::vector<Spelling>& spellings) {
  Match best;
  for (const Spelling& spelling : spellings) {
    if (text.starts_with(spelling.text) && spelling.text.size() > best.size) {
      best = {.size = spelling.text.size(), .piece = spelling.piece};
    }
  }
  for (const Spelling& spelling : spellings) {
    const Match match = match_position(text, spelling);
    if (match.size > best.size) best = match;
  }
  return best;
}

class Parser {
 public:
  Parser(const TemplateSpec& spec, TemplatePlan* plan)
      : spec_(spec), plan_(plan), spellings_(make_spellings(spec.replace_string)) {}

  void run() {
    if (spec_.words.empty()) {
      add_slot(spellings_.front().piece);
    } else if (spec_.quote_words) {
      for (const std::string& word : spec_.words) {
        if (&word != &spec_.words.front()) add_piece({.kind = Kind::kWordEnd});
        take_text(word);
      }
    } else {
      std::string text = spec_.words.front();
      for (std::size_t i = 1; i < spec_.words.size(); ++i) text.append(" ").append(spec_.words[i]);
      take_text(text);
    }
    if (plan_->uses_input || !spec_.append_if_absent) return;
    if (spec_.quote_words) {
      add_piece({.kind = Kind::kWordEnd});
    } else {
      add_literal(" ");
    }
    add_piece(spellings_.front().piece);
  }

 private:
  void take_text(std::string_view text) {
    while (!text.empty()) {
      const Match match = match_any(text, spellings_);
      if (match.size == 0) {
        refuse_perl(text);
        add_literal(text.substr(0, 1));
        text.remove_prefix(1);
      } else {
        add_slot(match.piece);
        text.remove_prefix(match.size);
      }
    }
  }

  static void refuse_perl(std::string_view text) {
    constexpr std::string_view kOpen = "{=";
    constexpr std::string_view kClose = "=}";
    if (!text.starts_with(kOpen)) return;
    const std::size_t end = text.find(kClose, kOpen.size());
    if (end == text.npos) return;
    throw Error("the command holds " + std::string(text.substr(0, end + kClose.size())) +
                ": Perl expressions are not supported; to keep the text as it is, write the"
                " first brace as '{' in quotes");
  }

  void add_slot(const Piece& piece) {
    plan_->uses_input = true;
    if (piece.kind == Kind::kSlot) plan_->needs_slot = true;
    add_piece(piece);
  }

  void add_literal(std::string_view text) {
    std::vector<Piece>& pieces = plan_->pieces;
    if (pieces.empty() || pieces.back().kind != Kind::kLiteral) {
      add_piece({.begin = static_cast<std::uint32_t>(plan_->literals.size())});
    }
    plan_->literals.append(text);
    pieces.back().size += static_cast<std::uint32_t>(text.size());
  }

  void add_piece(const Piece& piece) { plan_->pieces.push_back(piece); }

  const TemplateSpec& spec_;
  TemplatePlan* plan_;
  const std::vector<Spelling> spellings_;
};

/// True where a replacement string is part of the command's name: then GNU parallel takes all
/// values for shell text.
bool command_is_variable(const TemplatePlan& plan) {
  for (const Piece& piece : plan.pieces) {
    if (piece.kind != Kind::kLiteral) return true;
    const std::string_view text = std::string_view(plan.literals).substr(piece.begin, piece.size);
    if (text.find_first_of(" \t\n=") != text.npos) return false;
  }
  return false;
}

std::size_t literal_length(const TemplatePlan& plan, const Piece& piece) {
  const std::string_view text = std::string_view(plan.literals).substr(piece.begin, piece.size);
  if (!plan.quote_words) return text.size();
  // Two more for quotes that only a value makes necessary.
  return shell_quoted_length(text) + 2;
}

void measure(TemplatePlan* plan) {
  for (const Group& group : plan->groups) {
    std::size_t& bytes = group.repeated ? plan->bytes_per_value : plan->base_bytes;
    if (group.repeated) ++bytes;
    for (std::uint32_t i = group.begin; i < group.end; ++i) {
      const Piece& piece = plan->pieces[i];
      switch (piece.kind) {
        case Kind::kLiteral:
          bytes += literal_length(*plan, piece);
          break;
        case Kind::kSeq:
          bytes += kSeqDigits;
          break;
        case Kind::kSlot:
          bytes += kSlotDigits;
          break;
        case Kind::kNothing:
          break;
        case Kind::kWordEnd:
          bytes += 3;
          break;
        case Kind::kValue:
          ++plan->value_pieces;
          if (piece.is_all_values() && !group.repeated) ++plan->bytes_per_value;
          // An empty part is written '' or, for {//}, as a dot.
          if (piece.part != ValuePart::kWhole) plan->extra_bytes_of_piece = 1;
          break;
      }
    }
  }
  if (!plan->quote_words) return;
  plan->base_bytes += 3;  // the last word's end
  plan->extra_bytes_of_piece += 2;
}

}  // namespace

Template Template::parse(TemplateSpec spec) {
  if (spec.replace_string.empty()) {
    throw Error("the replacement string (-I) must not be empty");
  }
  auto plan = std::make_shared<TemplatePlan>();
  Parser(spec, plan.get()).run();
  plan->spread = spec.spread;
  plan->quote_words = spec.quote_words;
  plan->quote_values = spec.quote_values && !spec.quote_words && !command_is_variable(*plan);
  if (spec.spread == Spread::kContext) {
    find_contexts(plan.get());
  } else {
    plan->groups.push_back({.end = static_cast<std::uint32_t>(plan->pieces.size())});
  }
  measure(plan.get());
  plan_words(plan.get());
  return Template(std::move(plan));
}

}  // namespace enjoin
