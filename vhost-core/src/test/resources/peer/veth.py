"""Sends frames into one end of a veth pair and says what comes out at both.

veth.py FRAMES OUT SENDER RECEIVER: FRAMES has frames, each with its length in two bytes before it. OUT gets
the same with a byte in front: 'r' came out at the receiver, 's' at the sender.
"""
import socket
import struct
import sys

ALL = 0x0003
SOL_PACKET = 263
AUXDATA = 8
OUTGOING = 4
MARK = bytes(12) + b'\x88\xb5'
PATIENCE = 60


def opened(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    s.setsockopt(SOL_PACKET, AUXDATA, 1)
    s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    s.bind((name, 0))
    s.settimeout(PATIENCE)
    return s


def received(s):
    """The next frame that came from the other end, with the tag that the kernel took out."""
    while True:
        frame, extra, _, address = s.recvmsg(65536, 256)
        if address[2] == OUTGOING:
            continue
        for level, kind, data in extra:
            if level == SOL_PACKET and kind == AUXDATA:
                status, _, _, _, _, tag, protocol = struct.unpack('IIIHHHH', data)
                if status & 0x10:
                    frame = frame[:12] + struct.pack('!HH', protocol if status & 0x40 else 0x8100, tag) + frame[12:]
        return frame


def main(frames, out, sender, receiver):
    here, there = opened(sender), opened(receiver)
    with open(frames, 'rb') as source, open(out, 'wb') as sink:
        number = 0
        while True:
            burst = []
            while len(burst) < 32 and (head := source.read(2)):
                burst.append(source.read(struct.unpack('!H', head)[0]))
            if not burst:
                return
            number += 1
            # Two marks: one passes to the receiver, one shows from there that all that was sent back has come.
            mark = MARK + struct.pack('!I', number) + bytes(42)
            for frame in burst + [mark]:
                here.send(frame)
            while (frame := received(there)) != mark:
                sink.write(b'r' + struct.pack('!H', len(frame)) + frame)
            there.send(mark)
            while (frame := received(here)) != mark:
                sink.write(b's' + struct.pack('!H', len(frame)) + frame)


main(*sys.argv[1:])
