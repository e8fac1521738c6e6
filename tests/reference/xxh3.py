"""XXH3-128 with seed 0 and the default secret, from its public description (xxHash 0.8), for
inputs of 17 to 128 and of more than 240 bytes: the ids of states and of measured values."""
import struct

M64 = (1 << 64) - 1
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
       0x27D4EB2F165667C5)
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    """The two halves of the product of 128 bits, one xor the other."""
    p = a * b
    return (p & M64) ^ (p >> 64)


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M64
    return h ^ h >> 32


def mix16(data, at, secret):
    return fold(u64(data, at) ^ u64(SECRET, secret), u64(data, at + 8) ^ u64(SECRET, secret + 8))


def mid(data):
    """17 to 128 bytes."""
    n = len(data)
    low, high = n * P64[0] & M64, 0
    for i in range((n - 1) // 32, -1, -1):
        a, b, s = 16 * i, n - 16 * (i + 1), 32 * i
        low = (low + mix16(data, a, s) & M64) ^ (u64(data, b) + u64(data, b + 8) & M64)
        high = (high + mix16(data, b, s + 16) & M64) ^ (u64(data, a) + u64(data, a + 8) & M64)
    total = low + high & M64
    mixed = low * P64[0] + high * P64[3] + n * P64[1] & M64
    return avalanche(total), -avalanche(mixed) & M64


def accumulate(acc, data, at, secret):
    words = struct.unpack_from("<8Q", data, at)
    keys = struct.unpack_from("<8Q", SECRET, secret)
    for i in range(8):
        key = words[i] ^ keys[i]
        acc[i ^ 1] = acc[i ^ 1] + words[i] & M64
        acc[i] = acc[i] + (key & 0xFFFFFFFF) * (key >> 32) & M64


def scramble(acc):
    keys = struct.unpack_from("<8Q", SECRET, len(SECRET) - 64)
    for i in range(8):
        acc[i] = ((acc[i] ^ acc[i] >> 47) ^ keys[i]) * P32[0] & M64


def merge(acc, secret, start):
    h = start
    for i in range(4):
        h += fold(acc[2 * i] ^ u64(SECRET, secret + 16 * i),
                  acc[2 * i + 1] ^ u64(SECRET, secret + 16 * i + 8))
    return avalanche(h & M64)


def long(data):
    """More than 240 bytes: stripes of 64 bytes, blocks of 16 stripes."""
    n = len(data)
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]
    stripes = (n - 1) // 64
    for i in range(stripes):
        accumulate(acc, data, 64 * i, 8 * (i % 16))
        if i % 16 == 15:
            scramble(acc)
    accumulate(acc, data, n - 64, len(SECRET) - 64 - 7)
    low = merge(acc, 11, n * P64[0] & M64)
    high = merge(acc, len(SECRET) - 64 - 11, ~(n * P64[1]) & M64)
    return low, high


def digest(data):
    """The 16 bytes in canonical form."""
    n = len(data)
    assert 17 <= n <= 128 or n > 240
    low, high = mid(data) if n <= 128 else long(data)
    return struct.pack(">QQ", high, low)
