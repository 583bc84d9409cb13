"""BLS12-381 public keys in G2: read, checked and written here; signed with elsewhere.

The whole check, that the point lies on the curve and in the group of prime order, needs no more
than integers. Nothing here touches a secret, so its time may depend on its input.

Spec:
    https://www.ietf.org/archive/id/draft-irtf-cfrg-pairing-friendly-curves-11.html#section-4.2.1
"""

from __future__ import annotations

from cityid.encoding import Multicodec
from cityid.keys.base import Algorithm, KeyType

_P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
    "1eabfffeb153ffffb9feffffffffaaab",
    16,
)
_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_SIZE = 96
_COMPRESSED, _INFINITY, _FLAGS = 0x80, 0x40, 0xE0

_Fp2 = tuple[int, int]
"""An element c0 + c1·u of the quadratic extension, where u² = -1."""
_Point = tuple[_Fp2, _Fp2, _Fp2]
"""A point in Jacobian coordinates; infinity where z is zero."""
_B: _Fp2 = (4, 4)
_ZERO: _Fp2 = (0, 0)
_ONE: _Fp2 = (1, 0)


class BLS12381G2(Algorithm):
    """Public keys for BBS over BLS12-381.

    Spec:
        https://www.ietf.org/archive/id/draft-irtf-cfrg-bbs-signatures-08.html#section-4.1
    """

    type = KeyType.BLS12_381_G2
    public_codec = Multicodec.BLS12_381_G2_PUB
    private_codec = Multicodec.BLS12_381_G2_PRIV
    jwk_type = None
    size = 32

    def load_public(self, data: bytes) -> tuple[bytes, None]:
        """Take a compressed point of the subgroup, never infinity.

        Spec:
            https://www.ietf.org/archive/id/draft-irtf-cfrg-pairing-friendly-curves-11.html#appendix-C
        """
        if len(data) != _SIZE:
            raise self.invalid(f"{len(data)} bytes, where {_SIZE} are due")
        if data[0] & (_COMPRESSED | _INFINITY) != _COMPRESSED:
            raise self.invalid("no compressed point, or the point at infinity")
        half = _SIZE // 2
        c1 = int.from_bytes(bytes([data[0] & ~_FLAGS]) + data[1:half])
        x = (int.from_bytes(data[half:]), c1)
        if max(x) >= _P:
            raise self.invalid("the coordinate is not reduced")
        y = _square_root(_add(_multiply(x, _multiply(x, x)), _B))
        if y is None:
            raise self.invalid("the point is not on the curve")
        if _times_order((x, y, _ONE))[2] != _ZERO:
            raise self.invalid("the point is not in the group of prime order")
        return data, None


BLS12_381_G2 = BLS12381G2()


def _add(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] + b[0]) % _P, (a[1] + b[1]) % _P


def _subtract(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] - b[0]) % _P, (a[1] - b[1]) % _P


def _multiply(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % _P, (a[0] * b[1] + a[1] * b[0]) % _P


def _scale(a: _Fp2, factor: int) -> _Fp2:
    return a[0] * factor % _P, a[1] * factor % _P


def _square_root(a: _Fp2) -> _Fp2 | None:
    """Return either root of `a`, or None; by the complex method, as the prime is 3 modulo 4."""
    exponent, half = (_P + 1) // 4, (_P + 1) // 2
    norm_root = pow(a[0] * a[0] + a[1] * a[1], exponent, _P)
    for sign in (1, -1):
        c0 = pow((a[0] + sign * norm_root) * half, exponent, _P)
        c1 = a[1] * pow(2 * c0, -1, _P) % _P if c0 else pow(-a[0], exponent, _P)
        root = (c0, c1)
        if _multiply(root, root) == a:
            return root
    return None


def _times_order(point: _Point) -> _Point:
    result = point
    for bit in bin(_ORDER)[3:]:
        result = _double(result)
        if bit == "1":
            result = _sum(result, point)
    return result


def _double(p: _Point) -> _Point:
    """Double in Jacobian coordinates; y is never zero, as no point has order two.

    Spec:
        https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-0.html#doubling-dbl-2009-l
    """
    x, y, z = p
    a, b = _multiply(x, x), _multiply(y, y)
    c = _multiply(b, b)
    d = _scale(_subtract(_subtract(_multiply(_add(x, b), _add(x, b)), a), c), 2)
    e = _scale(a, 3)
    x3 = _subtract(_multiply(e, e), _scale(d, 2))
    y3 = _subtract(_multiply(e, _subtract(d, x3)), _scale(c, 8))
    return x3, y3, _scale(_multiply(y, z), 2)


def _sum(p: _Point, q: _Point) -> _Point:
    """Add a point `q` with z = 1; points of small order meet every special case.

    Spec:
        https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-0.html#addition-madd-2007-bl
    """
    x, y, z = p
    if z == _ZERO:
        return q
    zz = _multiply(z, z)
    h = _subtract(_multiply(q[0], zz), x)
    r = _scale(_subtract(_multiply(q[1], _multiply(z, zz)), y), 2)
    if h == _ZERO:
        return _double(q) if r == _ZERO else (_ONE, _ONE, _ZERO)
    hh = _multiply(h, h)
    i = _scale(hh, 4)
    j, v = _multiply(h, i), _multiply(x, i)
    x3 = _subtract(_subtract(_multiply(r, r), j), _scale(v, 2))
    y3 = _subtract(_multiply(r, _subtract(v, x3)), _scale(_multiply(y, j), 2))
    return x3, y3, _scale(_multiply(z, h), 2)
