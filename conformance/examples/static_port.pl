#!/usr/bin/perl
# A static adapter in Perl with a small checker of its own, written from ../README.md and ../ADAPTER.md alone.
# Needs nothing but perl: JSON::PP comes with it.
#
# It knows names, counts, letters, addresses, policies, registry keys, disks and the memory formula. It does not
# know virtual IP addresses, name servers, two disks side by side or what a running server does with its disks,
# and says so in its capabilities. What it forgets on purpose, its verdict shows (expected/static_port.json).
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my @findings;

sub found { push @findings, { severity => $_[0], code => $_[1], path => $_[2], message => $_[3] } }
sub error { found('error', @_) }
sub list  { my ($from, $key) = @_; return @{ $from->{$key} // [] } }
sub bytes { my $text = shift // ''; utf8::encode($text); return length $text }
sub is_boolean { return ref $_[0] && $_[0]->isa('JSON::PP::Boolean') }

# -- rules that many things share

sub at_most {
    my ($path, $count, $most) = @_;
    error('E_LIMIT', $path, "$count, at most $most are allowed") if $count > $most;
}

sub named {    # a name has 1 to $most bytes, of the allowed characters if there is a rule
    my ($path, $name, $most, $allowed) = @_;
    my $size = bytes($name);
    error('E_LENGTH', $path, "$size bytes, 1 to $most are allowed") if $size < 1 || $size > $most;
    error('E_CHARSET', $path, 'a character that is not allowed') if $size && $allowed && $name !~ $allowed;
}

sub unique {
    my ($path, @names) = @_;
    my %seen;
    $seen{ lc $_ }++ && error('E_DUP', $path, "$_ is there already") for @names;
}

sub one_of {
    my ($path, $value, @allowed) = @_;
    error('E_RANGE', $path, 'none of ' . join ', ', @allowed) unless grep { $_ eq $value } @allowed;
}

my $WORD     = qr/\A[A-Za-z0-9_-]+\z/a;
my $COMPUTER = qr/\A[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\z/a;

# -- addresses

sub number_of {    # an IPv4 address as a number, undef when it is none
    my @parts = ($_[0] // '') =~ /\A(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\z/a or return undef;
    return undef if grep { $_ > 255 } @parts;
    return unpack 'N', pack 'C4', @parts;
}

sub network_of {    # (first, last, address) of address/prefix, empty when it is none
    my ($address, $prefix) = ($_[0] // '') =~ m{\A([0-9.]+)/(\d{1,2})\z}a or return;
    my $number = number_of($address);
    return if !defined $number || $prefix > 32;
    my $size = 2**(32 - $prefix);
    my $first = int($number / $size) * $size;
    return ($first, $first + $size - 1, $number);
}

sub check_addresses {
    my ($config) = @_;
    for my $server (list($config, 'servers')) {
        my @texts = (list($server, 'addresses'), grep { defined } map { $_->{addresses}{ $server->{name} } } list($config, 'networks'));
        error('E_TOPOLOGY', 'servers.addresses', "$server->{name} has no address") unless @texts;
        at_most('servers.addresses', scalar @texts, 16);
        my @networks;
        for my $text (@texts) {
            my @network = network_of($text);
            if (!@network) { error('E_SUBNET', 'addresses', "$text is no address"); next }
            for my $other (@networks) {
                error('E_SUBNET', 'addresses', "$text shares a network") if $network[0] <= $other->[1] && $other->[0] <= $network[1];
            }
            push @networks, \@network;
        }
    }
}

sub check_floating {
    my ($config, @addresses) = @_;
    at_most('floating_ips', scalar @addresses, 64);
    unique('floating_ips', @addresses);
    my (@public, %taken);
    for my $network (list($config, 'networks')) {
        for my $text (values %{ $network->{addresses} }) {
            my @range = network_of($text) or next;
            $taken{ $range[2] } = 1;
            push @public, \@range if grep { $_ eq 'public' } list($network, 'roles');
        }
    }
    for my $text (@addresses) {
        my $number = number_of($text);
        my ($home) = grep { defined $number && $number >= $_->[0] && $number <= $_->[1] } @public;
        if (!$home) { error('E_SUBNET', 'floating_ips', "$text is of no public LAN") }
        elsif ($number == $home->[0] || $number == $home->[1]) { error('E_SUBNET', 'floating_ips', "$text is no host") }
        elsif ($taken{$number}) { error('E_DUP', 'floating_ips', "$text is a server's") }
    }
}

# -- the parts of a configuration

sub check_cluster {
    my ($config) = @_;
    named('cluster.name', $config->{cluster}{name}, 15, $WORD);
    error('E_LENGTH', 'cluster.password', 'more than 15 bytes') if bytes($config->{cluster}{password}) > 15;
    my @servers = list($config, 'servers');
    error('E_TOPOLOGY', 'servers', 'two servers are needed') if @servers != 2;
    named('servers.name', $_->{name}, 15, $COMPUTER) for @servers;
    unique('servers.name', map { $_->{name} } @servers);
    named('networks.name', $_->{name}, 31) for list($config, 'networks');
    my @accounts = list($config, 'accounts');
    at_most('accounts', scalar @accounts, 16);
    for my $account (@accounts) {
        named('accounts.name', $account->{name}, 31);
        error('E_LENGTH', 'accounts.password', 'more than 31 bytes') if bytes($account->{password}) > 31;
    }
}

sub check_sets {
    my ($config) = @_;
    my @sets = list($config, 'mirror_sets');
    at_most('mirror_sets', scalar @sets, 8);
    my (%reserved, @letters);
    $reserved{ uc($_->{system_letter} // 'C') } = 1 for list($config, 'servers');
    for my $set (@sets) {
        error('E_TOPOLOGY', 'mirror_sets.disks', 'one disk on each server') if keys %{ $set->{disks} } != 2;
        error('E_PARTITION', 'mirror_sets.partitions', 'no data partition') unless list($set, 'partitions');
        for my $partition (list($set, 'partitions')) {
            error('E_RESERVED', 'partitions.number', '1 is the CLUSTER partition') if $partition->{number} == 1;
            my %given = map { uc $_ => 1 } values %{ $partition->{letters} // { here => $partition->{letter} } };
            error('E_PARTITION', 'partitions.letters', 'two letters') if keys %given > 1;
            my ($letter) = sort keys %given;
            push @letters, $letter;
            if ($letter !~ /\A[A-Z]\z/a) { error('E_CHARSET', 'partitions.letter', "'$letter' is no letter") }
            elsif ($letter =~ /\A[AB]\z/ || $reserved{$letter}) { error('E_RESERVED', 'partitions.letter', $letter) }
        }
    }
    at_most('mirror_sets.partitions', scalar @letters, 23);
    unique('partitions.letter', @letters);
}

sub check_key {
    my ($key) = @_;
    error('E_LENGTH', 'registry_key', 'more than 259 bytes') if bytes($key) > 259;
    my ($root, @parts) = split /\\/, $key, -1;
    error('E_CHARSET', 'registry_key', 'an empty component or NUL') if $key =~ /\0/ || grep { $_ eq '' } @parts;
    my $below = uc join '\\', @parts;
    if ($root !~ /\A(?:HKEY_LOCAL_MACHINE|HKEY_USERS)\z/i) { error('E_RANGE', 'registry_key', 'another root') }
    elsif ($root =~ /USERS/i) { error('E_RANGE', 'registry_key', 'the root itself') unless @parts }
    elsif ("SOFTWARE\\NEC\\ESMARM\\" =~ /\A\Q$below\E(?:\\|\z)/ || $below =~ /\ASOFTWARE\\NEC\\ESMARM(?:\\|\z)/ || $below eq '') {
        error('E_RESERVED', 'registry_key', "the cluster's own");
    }
}

sub check_group {
    my ($group, $servers, $sets) = @_;
    named('groups.name', $group->{name}, 15, $WORD);
    found('warning', 'W_RESERVED', 'groups.name', "$group->{name} is a device: the group will not start")
        if $group->{name} =~ /\A(?:CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])\z/ai;
    one_of('groups.startup', $group->{startup} // 'automatic', qw(automatic manual));
    one_of('groups.failover', $group->{failover} // 'normal', qw(normal exclusive));
    found('warning', 'W_EXCLUSIVE', 'groups.failover', 'mostly no failover with two servers')
        if ($group->{failover} // '') eq 'exclusive';
    error('E_RANGE', 'groups.failback', 'true or false') if exists $group->{failback} && !is_boolean($group->{failback});
    my @policy = list($group, 'policy');
    error('E_RANGE', 'groups.policy', 'names no server') unless @policy;
    unique('groups.policy', @policy);
    $servers->{ lc $_ } || error('E_NOTFOUND', 'groups.policy', "no server $_") for @policy;
    my @keys = map { $_->{key} } grep { $_->{kind} eq 'registry_key' } list($group, 'resources');
    at_most('groups.registry_key', scalar @keys, 16);
    check_key($_) for @keys;
    for my $disk (grep { $_->{kind} eq 'mirror_disk' } list($group, 'resources')) {
        error('E_NOTFOUND', 'groups.mirror_disk', "no set $disk->{set}") unless $sets->{ $disk->{set} };
        error('E_FS', 'groups.mirror_disk', $disk->{filesystem}) unless $disk->{filesystem} =~ /\A(?:ext4|ntfs)\z/;
    }
}

sub check_groups {
    my ($config) = @_;
    my @groups = list($config, 'groups');
    my %servers = map { lc $_->{name} => 1 } list($config, 'servers');
    my %sets = map { $_->{name} => 1 } list($config, 'mirror_sets');
    at_most('groups', scalar @groups, 64);
    check_group($_, \%servers, \%sets) for @groups;
    unique('groups.name', map { $_->{name} } @groups);
    my @resources = map { list($_, 'resources') } @groups;
    check_floating($config, map { $_->{address} } grep { $_->{kind} eq 'floating_ip' } @resources);
    my @names = map { $_->{name} } grep { $_->{kind} eq 'virtual_computer_name' } @resources;
    at_most('virtual_computer_names', scalar @names, 64);
    unique('virtual_computer_names', @names);
    for my $name (@names) {
        named('virtual_computer_names', $name, 15, $COMPUTER);
        error('E_DUP', 'virtual_computer_names', "$name is a server") if $servers{ lc $name };
    }
}

# What this port's configuration cannot say, it must not drop silently.
sub inexpressible {
    my ($config) = @_;
    for my $resource (map { list($_, 'resources') } list($config, 'groups')) {
        return 'the address of a name' if $resource->{kind} eq 'virtual_computer_name' && exists $resource->{floating_ip};
    }
    return '';
}

# -- disks

sub check_disk {
    my ($disk) = @_;
    error('E_DISK', 'disk', "label $disk->{label}") if $disk->{label} ne 'mbr';
    error('E_DISK', 'disk', "a member of $disk->{member_of}") if $disk->{member_of};
    my @partitions = list($disk, 'partitions');
    at_most('disk', scalar @partitions, 32);
    my ($cluster) = grep { $_->{number} == 1 && $_->{kind} eq 'primary' } @partitions;
    if (!$cluster) { error('E_PARTITION', 'disk', 'no primary partition 1'); return }
    error('E_PARTITION', 'disk', 'partition 1 is not the first') if grep { $_->{start_bytes} < $cluster->{start_bytes} } @partitions;
    error('E_PARTITION', 'disk', 'partition 1 is formatted') if $cluster->{content};
    error('E_PARTITION', 'disk', 'partition 1 has less than 1 MiB') if $cluster->{size_bytes} < 1 << 20;
}

# -- verbs

sub findings_of {
    my ($check) = @_;
    @findings = ();
    $check->();
    my $bad = grep { $_->{severity} eq 'error' } @findings;
    return { accepted => $bad ? JSON::PP::false : JSON::PP::true, findings => [@findings] };
}

my %verbs = (
    describe => sub {
        return { contract => 0, port => 'perl', version => '0', capabilities => [], tiers => { static => '' } };
    },
    validate => sub {
        my $config = $_[0]{config};
        my $why = inexpressible($config);
        die { kind => 'refused', code => 'E_INEXPRESSIBLE', message => $why } if $why;
        return findings_of(sub { $_->($config) for \&check_cluster, \&check_addresses, \&check_sets, \&check_groups });
    },
    estimate => sub {
        my ($size, $count) = map { $_ // 64 } @{ $_[0] }{qw(max_io_kib max_io_count)};
        die { kind => 'unsupported', code => '', message => 'memory only' } if ($_[0]{what} // '') ne 'memory';
        return { max_io_kib => $size, max_io_count => $count, memory_kib => ($size * ($count + 64) + 1024) * 2 };
    },
    inspect_disk => sub { my $disk = $_[0]{disk}; return findings_of(sub { check_disk($disk) }) },
    teardown => sub { return {} },
);

sub answer {
    my ($line) = @_;
    my $request = eval { $json->decode($line) };
    if (ref $request ne 'HASH') {
        return { id => undef, ok => JSON::PP::false, error => { kind => 'failed', code => 'E_SYNTAX', message => 'no JSON object' } };
    }
    my $verb = $verbs{ $request->{verb} // '' };
    my $result = eval {
        die { kind => 'unsupported', code => '', message => "no verb $request->{verb}" } unless $verb;
        $verb->($request->{args} // {});
    };
    return { id => $request->{id}, ok => JSON::PP::true, result => $result } if $result;
    my $error = ref $@ eq 'HASH' ? $@ : { kind => 'failed', code => '', message => "$@" };
    return { id => $request->{id}, ok => JSON::PP::false, error => $error };
}

$| = 1;    # without it the answers would stay in a buffer, and the suite would find the adapter silent
while (my $line = <STDIN>) {
    print $json->encode(answer($line)), "\n";
}
