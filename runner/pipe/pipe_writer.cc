#include "runner/pipe/pipe_writer.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <sys/ioctl.h>

namespace enjoin {
namespace {

constexpr int kPipeBytes = 256 * 1024;

// SIGPIPE came with it, and would end us as soon as it is no longer blocked.
void take_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  const timespec none{};
  while (::sigtimedwait(&set, nullptr, &none) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::uint64_t PipeChunk::size() const {
  if (text) return text->size();
  if (block->kind == Block::Kind::kMemory) return block->length;
  return block->length + (block->header ? block->header->size() : 0);
}

ipc::UniqueFd PipeWriter::open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  fd_.reset(ends[1]);
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);  // our end only
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  blocked_ = false;
  return ipc::UniqueFd(ends[0]);
}

PipeWriter::Wrote PipeWriter::write_some(std::uint64_t most) {
  const std::uint64_t until = written_ + most;
  while (!queue_.empty()) {
    if (blocked_) return Wrote::kBlocked;
    if (written_ >= until) return Wrote::kAll;
    PipeChunk& chunk = queue_.front();
    switch (chunk.done >= chunk.size() ? Moved::kEnd : write_chunk(chunk)) {
      case Moved::kSome:
        break;
      case Moved::kBlocked:
        blocked_ = true;
        return Wrote::kBlocked;
      case Moved::kNoReader:
        take_sigpipe();
        return Wrote::kNoReader;
      case Moved::kEnd:
        queue_.pop_front();
    }
  }
  return Wrote::kAll;
}

PipeWriter::Moved PipeWriter::write_chunk(PipeChunk& chunk) {
  if (chunk.text) return write_piece(chunk.text->data(), chunk.text->size(), chunk);
  const Block& block = *chunk.block;
  if (block.kind == Block::Kind::kMemory) {
    return write_piece(block.memory.data(), block.length, chunk);
  }
  const std::uint64_t header = block.header ? block.header->size() : 0;
  if (chunk.done < header) return write_piece(block.header->data(), header, chunk);
  return splice_range(chunk, header);
}

// By copying, so that a block's memory can be used again when it is written: pages that were
// spliced stay the block's own until they are read.
PipeWriter::Moved PipeWriter::write_piece(const char* data, std::uint64_t size, PipeChunk& chunk) {
  const ssize_t put = ::write(fd_.get(), data + chunk.done, size - chunk.done);
  if (put < 0 && errno == EINTR) return Moved::kSome;
  if (put < 0) return errno == EAGAIN ? Moved::kBlocked : Moved::kNoReader;
  chunk.done += static_cast<std::uint64_t>(put);
  written_ += static_cast<std::uint64_t>(put);
  return Moved::kSome;
}

PipeWriter::Moved PipeWriter::splice_range(PipeChunk& chunk, std::uint64_t header) {
  const Block& block = *chunk.block;
  auto offset = static_cast<off64_t>(block.offset + chunk.done - header);
  const std::uint64_t left = block.length + header - chunk.done;
  ssize_t moved = ::splice(block.file->get(), &offset, fd_.get(), nullptr, left,
                           SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (moved < 0 && errno == EINVAL) {  // a file that cannot be spliced from
    char bytes[4096];
    const ssize_t got =
        ::pread(block.file->get(), bytes, std::min<std::uint64_t>(left, sizeof bytes),
                static_cast<off_t>(offset));
    moved = got <= 0 ? got : ::write(fd_.get(), bytes, static_cast<std::size_t>(got));
  }
  if (moved < 0 && errno == EINTR) return Moved::kSome;
  if (moved < 0 && errno == EAGAIN) return Moved::kBlocked;
  if (moved < 0 && errno == EPIPE) return Moved::kNoReader;
  if (moved <= 0) {
    short_ = true;
    return Moved::kEnd;
  }
  chunk.done += static_cast<std::uint64_t>(moved);
  written_ += static_cast<std::uint64_t>(moved);
  return Moved::kSome;
}

std::uint64_t PipeWriter::unread() const {
  int bytes = 0;
  return fd_ && ::ioctl(fd_.get(), FIONREAD, &bytes) == 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

}  // namespace enjoin
