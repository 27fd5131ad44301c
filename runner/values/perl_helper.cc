#include "runner/values/perl_helper.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/wait.h>

#include "enjoin/error.h"
#include "runner/team/own_helpers.h"
#include "runner/values/perl_program.h"

namespace enjoin {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

void append_size(std::size_t size, std::string* out) {
  for (const int shift : {24, 16, 8, 0}) out->push_back(static_cast<char>(size >> shift & 0xff));
}

std::size_t read_size(std::string_view bytes) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return size;
}

[[noreturn]] void throw_gone() {
  throw Error("perl, which evaluates the expressions, has ended; did one of them call exit?");
}

}  // namespace

void PerlMessage::add(std::string_view string) {
  append_size(string.size(), &bytes_);
  bytes_ += string;
}

PerlHelper::PerlHelper(std::uint32_t workers) {
  ProgramFinder programs;
  const char* const perl = programs.find("perl");
  if (perl == nullptr) {
    throw Error(
        "perl is not found, and the command holds Perl expressions ({= =}, --rpl, --filter):"
        " install perl, or write the command without them");
  }
  int questions[2];
  int answers[2];
  if (::pipe2(questions, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
  const ipc::UniqueFd perl_reads(questions[0]);
  to_perl_.reset(questions[1]);
  if (::pipe2(answers, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
  from_perl_.reset(answers[0]);
  const ipc::UniqueFd perl_writes(answers[1]);
  for (const int fd : {to_perl_.get(), from_perl_.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);

  const std::string count = std::to_string(workers);
  const char* const words[] = {"perl", "-e", kPerlProgram, count.c_str(), nullptr};
  SpawnRequest request;
  request.path = perl;
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  request.stdio[0] = perl_reads.get();
  request.stdio[1] = perl_writes.get();
  const int error = spawn(request, &process_);
  if (error != 0) throw system_error(std::string("cannot start ") + perl, error);
  note_own_helper(process_.pid);
}

PerlHelper::~PerlHelper() {
  ::kill(process_.pid, SIGKILL);
  while (::waitpid(process_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::vector<std::vector<std::string>> PerlHelper::ask(std::span<const PerlMessage> messages) {
  for (const PerlMessage& message : messages) {
    append_size(message.bytes().size(), &unsent_);
    unsent_ += message.bytes();
  }
  std::vector<std::vector<std::string>> answers;
  answers.reserve(messages.size());
  while (answers.size() < messages.size()) {
    // It may not read on before we have read what it says.
    std::array<pollfd, 2> watched{{{from_perl_.get(), POLLIN, 0}, {to_perl_.get(), POLLOUT, 0}}};
    const bool writes = sent_ < unsent_.size();
    if (writes) write_some();
    if (::poll(watched.data(), sent_ < unsent_.size() ? 2 : 1, -1) < 0) continue;
    if (watched[0].revents != 0) read_some();
    for (std::vector<std::string> answer; take_answer(&answer);) {
      answers.push_back(std::move(answer));
    }
  }
  return answers;
}

void PerlHelper::write_some() {
  const ssize_t done = ::write(to_perl_.get(), unsent_.data() + sent_, unsent_.size() - sent_);
  if (done < 0 && errno != EAGAIN && errno != EINTR) throw_gone();
  if (done > 0) sent_ += static_cast<std::size_t>(done);
  if (sent_ < unsent_.size()) return;
  unsent_.clear();
  sent_ = 0;
}

void PerlHelper::read_some() {
  if (taken_ == received_.size()) {
    received_.clear();
    taken_ = 0;
  }
  const std::size_t had = received_.size();
  received_.resize(had + kReadBytes);
  const ssize_t got = ::read(from_perl_.get(), received_.data() + had, kReadBytes);
  received_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) throw_gone();
}

bool PerlHelper::take_answer(std::vector<std::string>* answer) {
  std::string_view bytes(received_);
  bytes.remove_prefix(taken_);
  if (bytes.size() < 4 || bytes.size() - 4 < read_size(bytes)) return false;
  bytes = bytes.substr(4, read_size(bytes));
  taken_ += 4 + bytes.size();
  answer->clear();
  while (bytes.size() >= 4) {
    const std::size_t size = read_size(bytes);
    if (bytes.size() - 4 < size) break;
    answer->emplace_back(bytes.substr(4, size));
    bytes.remove_prefix(4 + size);
  }
  if (answer->empty() || !bytes.empty()) throw Error("perl gave an answer that makes no sense");
  return true;
}

}  // namespace enjoin
