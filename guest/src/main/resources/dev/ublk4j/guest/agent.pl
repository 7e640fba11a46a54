#!/usr/bin/perl
# The first process of a guest: mounts what it takes, tells the host that it is ready, and does what the host asks for.
# It reads lines from the serial line and answers each with a line of its own:
#
#   run N SECONDS TEXT              runs a command; its status is "late" when it did not end in time and was ended
#   mount N DISK FOLDER TYPE DATA   mounts a disk
#   unmount N FOLDER
#   read N FILE                     the content of a file
#   eject N DISK                    looks whether anything uses the disk
#   insert N DISK                   forgets what it knows of the disk
#   off N                           ends the guest
#
#   done N STATUS BYTES TEXT        STATUS is an exit status or an errno, TEXT what was printed or read, BYTES how much
#                                   that was before it was cut
#
# Texts are in hexadecimal digits, or "-" where they are too long for the line: then they are in the file command.N or
# output.N of the host's folder. Besides, the program "mark" writes lines "mark TEXT".
#
# Starting a program takes user-mode Linux milliseconds, most of it for the pages that two processes share until one
# writes to them. So a small shell starts the commands, and what can be done by a system call needs no program.
use strict;
use warnings;
use POSIX ();

use constant {
    SYS_MOUNT => 165, SYS_UMOUNT2 => 166, SYS_FINIT_MODULE => 313, MS_NOSUID => 2, BLKFLSBUF => 0x1261, BLKRRPART => 0x125f,
    SIOCSIFFLAGS => 0x8914, IFF_UP => 1, LONGEST => 1000,
};

my ($folder) = $0 =~ m{(.*)/}; # the host's, as the host names it
my $here = '/run/ublk4j';      # the same in the guest
my $printed = '/run/output';   # a pipe for each command
my $groups = '/sys/fs/cgroup'; # a group of processes for each command
my $most = 1 << 20;            # bytes of a text that the host takes
my ($line, $to_shell, $from_shell, $taken);
my $orders = '';               # of the host, as far as they have been read
my %outputs;                   # of commands and of what they have left in the background, by the number of the command

sub say_line { my $text = "@_\n"; syswrite $line, $text }

sub power_off {
    if (open my $trigger, '>', '/proc/sysrq-trigger') { syswrite $trigger, 'o'; close $trigger }
    sleep 60;
    exit 1;
}

sub give_up { say_line('failed', @_); power_off() }

sub mount_at {
    my ($type, $where, $flags, $data, $source) = (@_, $_[0]);
    make_folder($where);
    return syscall(SYS_MOUNT, $source, $where, $type, $flags + 0, $data) == 0;
}

sub need_mount { mount_at(@_) or give_up("cannot mount $_[0] at $_[1]: $!") }

sub make_folder {
    my $path = '';
    for my $name (split m{/}, $_[0]) {
        next if $name eq '';
        $path .= "/$name";
        mkdir $path unless -d $path;
    }
}

# The first bytes of a file, and how many it has.
sub slurp {
    my ($path, $limit) = @_;
    open my $file, '<', $path or return;
    my $text = '';
    while (length $text < $limit) {
        my $read = sysread $file, $text, $limit - length $text, length $text;
        return unless defined $read;
        last if $read == 0;
    }
    my $size = -s $file // 0;
    return ($text, $size > length $text ? $size : length $text);
}

sub write_to {
    my ($path, $text) = @_;
    open my $file, '>', $path or return;
    syswrite $file, $text;
    return close $file;
}

sub open_line {
    sysopen $line, '/dev/ttyS0', POSIX::O_RDWR() | POSIX::O_NOCTTY() or power_off();
    my $settings = POSIX::Termios->new;
    $settings->getattr(fileno $line);
    $settings->setiflag(0);
    $settings->setoflag(0);
    $settings->setlflag(0);
    $settings->setcc(POSIX::VMIN(), 1);
    $settings->setcc(POSIX::VTIME(), 0);
    $settings->setattr(fileno $line, POSIX::TCSANOW());
}

sub load_module {
    my ($path) = @_;
    open my $module, '<', $path or give_up("cannot open $path: $!");
    my $options = '';
    syscall(SYS_FINIT_MODULE, fileno $module, $options, 0) == 0 or give_up("cannot load $path: $!");
}

# vda, ..., vdz, vdaa, ...
sub disk_name {
    my ($number) = @_;
    my $name = chr(ord('a') + $number % 26);
    $name = chr(ord('a') + int($number / 26) - 1) . $name if $number >= 26;
    return "vd$name";
}

sub await_disk {
    my ($number) = @_;
    my $serial = '/sys/block/' . disk_name($number) . '/serial';
    for (1 .. 500) {
        my ($found) = slurp($serial, 20);
        if (defined $found) {
            return if $found eq "guest-$number";
            give_up("the disk $number is not $found");
        }
        select undef, undef, undef, 0.01;
    }
    give_up("there is no disk $number");
}

sub raise_loopback {
    socket my $any, 2, 2, 0 or return;
    my $request = pack 'a16 s x22', 'lo', IFF_UP;
    ioctl $any, SIOCSIFFLAGS, $request;
}

# The shell that starts the commands. Each is a process of its own, which may leave others behind.
sub start_shell {
    pipe my $orders, $to_shell or give_up("no pipe: $!");
    pipe $from_shell, my $statuses or give_up("no pipe: $!");
    my $pid = fork // give_up("no process: $!");
    return if $pid;
    open STDIN, '<&', $orders;
    open STDOUT, '>&', $statuses;
    $SIG{CHLD} = 'DEFAULT';
    exec '/bin/sh', '-c', <<'END', $here, $groups, $printed or POSIX::_exit(127);
while read -r number how file; do
    (
        echo 0 >"$1/$number/cgroup.procs"
        if [ "$how" = own ]; then exec /bin/sh "$file"; fi
        . "$file"
    ) </dev/null >"$2/$number" 2>&1
    echo $?
done
END
}

sub prepare {
    my $none = '';
    need_mount('tmpfs', '/run', MS_NOSUID, 'mode=755');
    need_mount('proc', '/proc', 0, $none);
    need_mount('sysfs', '/sys', 0, $none);
    open_line();
    need_mount('hostfs', $here, 0, $folder);
    make_folder($printed);
    need_mount('cgroup2', $groups, 0, $none);
    give_up('a program has rebooted the guest') if -e "$here/booted";
    write_to("$here/booted", '');
    my ($text) = slurp("$here/settings", 1 << 20);
    need_mount('tmpfs', $_, MS_NOSUID, 'mode=1777') for '/tmp', '/var/tmp', '/dev/shm';
    need_mount('tmpfs', '/mnt', MS_NOSUID, 'mode=755');
    need_mount('devpts', '/dev/pts', 0, 'mode=620,ptmxmode=666');
    symlink '/proc/self/fd', '/dev/fd';
    symlink "/proc/self/fd/$_->[0]", "/dev/$_->[1]" for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
    raise_loopback();
    write_to('/proc/sys/kernel/hostname', 'guest');
    my $disks = 0;
    for (split /\n/, $text) {
        my ($word, $value) = split / /, $_, 2;
        need_mount('hostfs', $value, 0, $value) if $word eq 'folder';
        load_module($value) if $word eq 'module';
        $disks = $value if $word eq 'disks';
        $most = $value if $word eq 'most';
    }
    await_disk($_) for 0 .. $disks - 1;
    %ENV = (PATH => "$here/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME => '/tmp',
        LANG => 'C.UTF-8', TERM => 'dumb', USER => 'root', LOGNAME => 'root', SHELL => '/bin/sh');
    chdir '/tmp';
    # Nobody waits for what a command leaves behind.
    $SIG{CHLD} = 'IGNORE';
    start_shell();
}

# answer N STATUS TEXT BYTES
sub answer {
    my ($number, $status, $text, $bytes) = @_;
    my $sent = unpack 'H*', $text;
    if (length $text > LONGEST) {
        # In place before the host hears of it: a file of the host is written when it is closed.
        $taken = "$here/output.$number";
        write_to($taken, $text) or return say_line('done', $number, POSIX::EIO(), $bytes, '');
        $sent = '-';
    }
    say_line('done', $number, $status, $bytes, $sent);
}

# answer_call N RESULT
sub answer_call { my ($number, $ok) = @_; answer($number, $ok ? 0 : $! + 0, '', 0) }

# Takes some of what is printed. False when no more comes now; an output that has ended is forgotten.
sub take_output {
    my ($number) = @_;
    my $output = $outputs{$number} or return;
    my $read = sysread $output->{pipe}, my $some, 1 << 16;
    delete $outputs{$number} if defined $read && $read == 0;
    return unless $read;
    $output->{bytes} += $read;
    my $room = $most - length $output->{text};
    $output->{text} .= substr $some, 0, $room if $room > 0;
    return 1;
}

# Waits until there is something to read, and takes meanwhile what is printed: who prints would wait otherwise.
sub await_input {
    my ($handle) = @_;
    while (1) {
        my $wanted = '';
        vec($wanted, fileno $_, 1) = 1 for $handle, map { $_->{pipe} } values %outputs;
        next if select($wanted, undef, undef, undef) < 0;
        for my $number (keys %outputs) { take_output($number) if vec $wanted, fileno $outputs{$number}{pipe}, 1 }
        return if vec $wanted, fileno $handle, 1;
    }
}

# The next line of the host, or nothing when it has gone.
sub next_order {
    my $end;
    while (($end = index $orders, "\n") < 0) {
        await_input($line);
        sysread $line, $orders, 1 << 12, length $orders or return;
    }
    my $order = substr $orders, 0, $end;
    substr($orders, 0, $end + 1) = '';
    return $order;
}

sub open_output {
    my ($number) = @_;
    POSIX::mkfifo("$printed/$number", 0600) or return;
    sysopen my $pipe, "$printed/$number", POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or return;
    return $outputs{$number} = { pipe => $pipe, text => '', bytes => 0 };
}

sub run_command {
    my ($number, $seconds, $hex) = @_;
    my $group = "$groups/$number";
    my $file = "$here/command.$number";
    my $output = mkdir($group) && open_output($number);
    if (!$output) {
        my $why = "cannot start it: $!\n";
        return answer($number, 126, $why, length $why);
    }
    if ($hex ne '-') {
        $file = "/run/command";
        write_to($file, pack('H*', $hex));
    }
    # A part of a shell is no process with a number that it knows: such a command gets a shell of its own.
    my $how = $hex eq '-' || $hex =~ /^(..)*2424/ ? 'own' : 'shared';
    my $late = 0;
    local $SIG{ALRM} = sub { $late = 1; write_to("$group/cgroup.kill", '1') };
    alarm $seconds;
    my $order = "$number $how $file\n";
    syswrite $to_shell, $order;
    my $status = '';
    until ($status =~ /\n/) {
        await_input($from_shell);
        my $read = sysread $from_shell, $status, 16, length $status;
        give_up('the shell of the guest has ended') if defined $read ? $read == 0 : $! != POSIX::EINTR();
    }
    alarm 0;
    chomp $status;
    unlink $file;
    rmdir $group; # not while something of it is left
    unlink "$printed/$number";
    my $most_now = 1 << 20; # what it has printed is there; what it has left in the background may print without end
    1 while ($most_now -= 1 << 12) > 0 && take_output($number);
    answer($number, $late ? 'late' : $status, $output->{text}, $output->{bytes});
}

sub device { my ($disk, $flags) = @_; sysopen my $device, '/dev/' . disk_name($disk), $flags or return; return $device }

sub insert {
    my ($device) = @_;
    my $none = 0;
    ioctl $device, BLKFLSBUF, $none;
    ioctl $device, BLKRRPART, $none;
    return 1;
}

my %verbs = (
    run => \&run_command,
    mount => sub {
        my ($number, $disk, @texts) = @_;
        my ($where, $type, $data) = map { pack 'H*', $_ } @texts;
        answer_call($number, mount_at($type, $where, 0, $data, '/dev/' . disk_name($disk)));
    },
    unmount => sub {
        my ($number, $hex) = @_;
        my $where = pack 'H*', $hex;
        answer_call($number, syscall(SYS_UMOUNT2, $where, 0) == 0);
    },
    read => sub {
        my ($number, $hex) = @_;
        my ($text, $bytes) = slurp(pack('H*', $hex), $most);
        defined $text ? answer($number, 0, $text, $bytes) : answer_call($number, 0);
    },
    eject => sub { my ($number, $disk) = @_; answer_call($number, device($disk, POSIX::O_RDONLY() | POSIX::O_EXCL())) },
    insert => sub { my ($number, $disk) = @_; my $device = device($disk, POSIX::O_RDONLY()); answer_call($number, $device && insert($device)) },
);

prepare();
say_line('ready');
while (defined(my $asked = next_order())) {
    my ($what, $number, @rest) = split / /, $asked, -1;
    unlink $taken if defined $taken;
    undef $taken;
    my $verb = $verbs{$what} or last;
    $verb->($number, @rest);
}
system '/bin/sh', '-c', 'umount -a -t noproc,nosysfs,nodevtmpfs,nohostfs,notmpfs,nodevpts,norootfs,nocgroup2 2>/dev/null; sync';
power_off();
