// SPDX-License-Identifier: Apache-2.0
#include "runner/connections.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/strings.h"
#include "io/file.h"

namespace modelyard::runner {
namespace {

constexpr int kEstablished = 1;  // TCP_ESTABLISHED of the kernel

struct DiagRequest {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

void take_socket(const nlmsghdr* header, Connections& counted) {
  const auto* const message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  ++counted.open;
  int left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
  auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_INFO) continue;
    tcp_info info{};  // an older kernel's is shorter
    std::memcpy(&info, RTA_DATA(attribute), std::min<size_t>(RTA_PAYLOAD(attribute), sizeof info));
    const ConnectionFacts facts{.bytes_received = info.tcpi_bytes_received,
                                .bytes_sent = info.tcpi_bytes_sent,
                                .since_received_ms = info.tcpi_last_data_recv,
                                .since_sent_ms = info.tcpi_last_data_sent,
                                .unsent_bytes = message->idiag_wqueue};
    if (is_busy(facts)) ++counted.busy;
    return;
  }
  ++counted.busy;  // nothing known of it: wait for its end
}

Status ask_kernel(uint8_t family, uint16_t port, Connections& counted) {
  const io::UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return fail(errno_error(errno, "asking the kernel for connections"));
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  DiagRequest request{};
  request.header = {
      .nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  request.body.idiag_states = 1U << kEstablished;
  request.body.id.idiag_sport = htons(port);
  if (::send(fd.get(), &request, sizeof request, 0) < 0)
    return fail(errno_error(errno, "asking the kernel for connections"));
  std::vector<char> buffer(65536);
  constexpr int kMessagesMax = 10'000;
  for (int i = 0; i < kMessagesMax; ++i) {
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(errno_error(errno, "asking the kernel for connections"));
    auto left = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR)
        return fail(ErrorCode::kUnsupported, "the kernel does not tell its connections");
      if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY) take_socket(header, counted);
    }
  }
  return fail(ErrorCode::kResourceExhausted, "too many connections to count");
}

//   sl  local_address rem_address   st …
//   0: 0100007F:1F90 0100007F:C350 01 …
int count_in_table(const char* path, uint16_t port) {
  const Result<std::string> text = io::read_file(path, size_t{64} << 20);
  if (!text) return 0;
  int open = 0;
  const std::string local_end = fmt::format(":{:04X}", port);
  for (const std::string_view line : split(*text, '\n')) {
    std::vector<std::string_view> fields;
    for (const std::string_view field : split(line, ' ')) {
      if (!field.empty()) fields.push_back(field);
      if (fields.size() == 4) break;
    }
    if (fields.size() == 4 && fields[3] == "01" && fields[1].ends_with(local_end)) ++open;
  }
  return open;
}

}  // namespace

bool is_busy(const ConnectionFacts& facts) {
  if (facts.unsent_bytes > 0) return true;
  if (facts.bytes_received == 0) return false;
  if (facts.bytes_sent == 0) return true;
  if (facts.since_received_ms < facts.since_sent_ms) return true;
  // A tick is up to 10 ms, so the order of two events in one tick is unknown: waited for as long as a call usually may
  // take.
  constexpr uint32_t kUnclear = 2500;
  if (facts.since_received_ms == facts.since_sent_ms) return facts.since_sent_ms < kUnclear;
  constexpr uint32_t kPieces = 100;  // an answer in several pieces
  return facts.since_sent_ms < kPieces;
}

Result<Connections> count_connections(uint16_t port) {
  Connections counted;
  Status asked = ask_kernel(AF_INET, port, counted);
  if (asked) asked = ask_kernel(AF_INET6, port, counted);
  if (asked) return counted;
  const int open = count_in_table("/proc/net/tcp", port) + count_in_table("/proc/net/tcp6", port);
  return Connections{.open = open, .busy = open};
}

}  // namespace modelyard::runner
