// SPDX-License-Identifier: Apache-2.0
#include "io/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace modelyard::io {
namespace {

constexpr int kBacklog = 1024;

Result<UniqueFd> make_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(errno_error(errno, "opening a socket"));
  return fd;
}

void set_option(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

Result<UniqueFd> listen_on(const SocketAddress& address, bool share_port, std::string_view host, uint16_t port) {
  MY_TRY(UniqueFd fd, make_socket(address.family()));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (share_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int number = errno;
    if (number == EADDRINUSE)
      return fail(
          ErrorCode::kConflict,
          fmt::format("port {} of {} is taken by another program: stop it, or choose another port (0 = any free one)",
                      port, host));
    if (number == EADDRNOTAVAIL)
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} is no address of this machine", host));
    if (number == EACCES)
      return fail(ErrorCode::kPermissionDenied, fmt::format("port {} needs privileges: choose one above 1023", port));
    return fail(errno_error(number, fmt::format("listening on {}", address.text())));
  }
  return fd;
}

}  // namespace

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    return fmt::format("{}:{}", host, ntohs(v4->sin_port));
  }
  if (family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return fmt::format("[{}]:{}", host, ntohs(v6->sin6_port));
  }
  return "unix";
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

bool SocketAddress::is_loopback() const {
  if (family() == AF_UNIX) return true;
  if (family() == AF_INET) return (ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr) >> 24) == 127;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

std::optional<SocketAddress> literal_address(std::string_view host, uint16_t port) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  char text[INET6_ADDRSTRLEN];
  if (host.empty() || host.size() >= sizeof text) return std::nullopt;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  if (::inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
    return address;
  }
  return std::nullopt;
}

Result<std::vector<SocketAddress>> resolve_blocking(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0)
    return fail(ErrorCode::kUnavailable, fmt::format("the host name {} is not known: {}", host, ::gai_strerror(error)));
  std::vector<SocketAddress> out;
  for (const addrinfo* at = list; at != nullptr && out.size() < 16; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    SocketAddress& address = out.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
  }
  ::freeaddrinfo(list);
  if (out.empty()) return fail(ErrorCode::kUnavailable, fmt::format("the host name {} has no address", host));
  return out;
}

Result<UnixAddress> unix_address(const std::filesystem::path& path) {
  UnixAddress out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.address.storage);
  un->sun_family = AF_UNIX;
  std::string text = path.string();
  if (text.empty() || text.find('\0') != std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "the path of a Unix socket is empty or holds a NUL");
  if (text.size() >= sizeof un->sun_path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    out.folder = UniqueFd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder) return fail(errno_error(errno, fmt::format("opening the folder {}", folder.string())));
    text = fmt::format("/proc/self/fd/{}/{}", out.folder.get(), path.filename().string());
    if (text.size() >= sizeof un->sun_path)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the file name of the socket {} is too long: a Unix socket's path ends at 107 bytes",
                              path.string()));
  }
  std::memcpy(un->sun_path, text.data(), text.size());
  out.address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
  return out;
}

Result<UniqueFd> listen_tcp(const std::string& host, uint16_t port, bool share_port) {
  if (const auto literal = literal_address(host, port)) return listen_on(*literal, share_port, host, port);
  MY_TRY(const std::vector<SocketAddress> addresses, resolve_blocking(host, port));
  for (const SocketAddress& address : addresses) {
    // "localhost" is often both ::1 and 127.0.0.1; what people and models write down is the latter.
    if (address.family() == AF_INET) return listen_on(address, share_port, host, port);
  }
  return listen_on(addresses.front(), share_port, host, port);
}

Result<UniqueFd> listen_unix(const std::filesystem::path& path) {
  MY_TRY(const UnixAddress unix_socket, unix_address(path));
  const SocketAddress& address = unix_socket.address;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode))
      return fail(ErrorCode::kConflict, fmt::format("{} exists and is no socket: move it away", path.string()));
    MY_TRY(const UniqueFd probe, make_socket(AF_UNIX));
    if (::connect(probe.get(), address.get(), address.size) == 0 || errno == EAGAIN)
      return fail(ErrorCode::kConflict, fmt::format("another process listens on {}", path.string()));
    ::unlink(path.c_str());
  }
  MY_TRY(UniqueFd fd, make_socket(AF_UNIX));
  // The file takes the mode of the socket's inode, so it is never open to others, not even between bind() and a
  // chmod().
  if (::fchmod(fd.get(), 0600) != 0 || ::bind(fd.get(), address.get(), address.size) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return fail(errno_error(errno, fmt::format("listening on {}", path.string())));
  return fd;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0)
    return fail(errno_error(errno, "asking a socket for its address"));
  return address;
}

std::optional<Accepted> accept_one(int listener, int& error_number) {
  SocketAddress from;
  from.size = sizeof from.storage;
  Accepted out;
  do {
    out.fd = UniqueFd(
        ::accept4(listener, reinterpret_cast<sockaddr*>(&from.storage), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  } while (!out.fd && errno == EINTR);
  if (!out.fd) {
    error_number = errno;
    return std::nullopt;
  }
  out.family = from.family() == AF_UNSPEC ? AF_UNIX : from.family();
  out.peer.is_unix = out.family == AF_UNIX;
  out.peer.is_loopback = out.peer.is_unix || from.is_loopback();
  out.peer.address = out.peer.is_unix ? "unix" : from.text();
  if (!out.peer.is_unix) set_option(out.fd.get(), IPPROTO_TCP, TCP_NODELAY);
  return out;
}

Result<UniqueFd> begin_connect(const SocketAddress& address, std::string_view name) {
  MY_TRY(UniqueFd fd, make_socket(address.family()));
  if (address.family() != AF_UNIX) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
    return fail(Error(ErrorCode::kUnavailable, fmt::format("connecting to {}: {}", name, std::strerror(errno))));
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool is_stale(int fd) {
  char byte;
  const ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace modelyard::io
