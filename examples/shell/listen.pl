# SPDX-License-Identifier: Apache-2.0
# Usage: listen.pl COMMAND…   Listens on a free port, says so in endpoint.dat, and runs COMMAND for each connection
# with the connection as its standard input and output, as inetd does.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my $most_at_once = 64;    # more connections wait in the listen queue
my $running      = 0;

my $address  = $ENV{BIND_ADDRESS} // '127.0.0.1';
my $listener = IO::Socket::INET->new(LocalAddr => $address, LocalPort => 0, Listen => 128)
  or die "cannot listen on $address: $@\n";
my $url = "http://$address:" . $listener->sockport;

open(my $file, '>', 'endpoint.dat.new') or die "cannot write endpoint.dat.new: $!\n";
print $file qq({"url":"$url","functions":{"apply":"apply"}}\n);
close($file)                                or die "cannot write endpoint.dat.new: $!\n";
rename('endpoint.dat.new', 'endpoint.dat') or die "cannot rename endpoint.dat.new: $!\n";

while (1) {
    while ($running > 0 && waitpid(-1, $running < $most_at_once ? 1 : 0) > 0) { $running-- }    # 1 = WNOHANG
    my $connection = $listener->accept or next;
    setsockopt($connection, IPPROTO_TCP, TCP_NODELAY, 1);
    my $pid = fork;
    if (!defined $pid) { close $connection; next }
    if ($pid == 0) {
        open(STDIN,  '<&', $connection) or die "cannot hand on the connection: $!\n";
        open(STDOUT, '>&', $connection) or die "cannot hand on the connection: $!\n";
        exec @ARGV or die "cannot run @ARGV: $!\n";
    }
    $running++;
    close $connection;
}
