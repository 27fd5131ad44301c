#include <algorithm>
#include <charconv>

#include "enjoin/error.h"
#include "worker/template_plan.h"
#include "worker/template_spelling.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

class Parser {
 public:
  Parser(const TemplateSpec& spec, TemplatePlan* plan)
      : spec_(spec), plan_(plan), spellings_(spec) {}

  void run() {
    if (spec_.words.empty()) {
      add_slot(SpellingTable::whole());
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
    add_piece(SpellingTable::whole());
  }

 private:
  void take_text(std::string_view text) {
    while (!text.empty()) {
      std::size_t size = 1;
      if (text.front() == '\0') {
        size = take_placed(text);
      } else if (const SpellingTable::Match match = spellings_.match(text); match.size != 0) {
        size = match.size;
        add_slot(match.piece);
      } else {
        add_literal(text.substr(0, 1));
      }
      text.remove_prefix(size);
    }
  }

  // A number between two NUL bytes: what it stands for is in TemplateSpec::placed.
  std::size_t take_placed(std::string_view text) {
    const std::size_t end = text.find('\0', 1);
    std::uint32_t index = 0;
    if (end == text.npos) throw Error("a word of the command holds a NUL byte");
    const auto read = std::from_chars(text.data() + 1, text.data() + end, index);
    if (read.ptr != text.data() + end || index >= spec_.placed.size()) {
      throw Error("a word of the command holds a NUL byte");
    }
    const TemplateSpec::Placed& placed = spec_.placed[index];
    using Placed = TemplateSpec::Placed::Kind;
    Piece piece{.kind = Kind::kNothing};
    if (placed.kind == Placed::kComputed) {
      piece = {.kind = Kind::kComputed, .position = placed.position, .begin = index};
    } else if (placed.kind != Placed::kNothing) {
      piece = {.kind = placed.kind == Placed::kSeq ? Kind::kSeq : Kind::kSlot,
               .position = placed.offset,
               .size = placed.width};
    }
    add_slot(piece);
    return end + 1;
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
  const SpellingTable spellings_;
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

}  // namespace

Template Template::parse(TemplateSpec spec) {
  if (spec.replace_string.empty()) {
    throw Error("the replacement string (-I) must not be empty");
  }
  auto plan = std::make_shared<TemplatePlan>();
  plan->placed = spec.placed;
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
