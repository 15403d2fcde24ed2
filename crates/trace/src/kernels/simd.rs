//! The few vector operations that the kernels are written in, for AVX-512, AVX2 and any processor.
//!
//! Every kernel works on *logical vectors* of 16 f32 lanes ([`LANES`]), whatever the processor has:
//! one AVX-512 register, two AVX2 registers, or a plain array. A kernel is a value that implements
//! [`Kernel`]; [`run`] calls it compiled for the chosen [`Level`].
//!
//! All `unsafe` code of this crate is in this folder. Its reasons are two: the intrinsics need
//! their processor features, which every [`Level`] but the portable one was found to have; and loads and
//! stores are not checked one by one: the kernels check the lengths of their slices once before their loops.
//! With debug assertions every single one is checked.

use std::sync::OnceLock;

/// Lanes of a logical vector.
pub(crate) const LANES: usize = 16;

/// Instruction set that the host kernels use, chosen at run time. There are values for what the processor
/// has alone: [`Level::PORTABLE`] everywhere, others from [`Level::detect`] and [`Level::available`]. None can be made
/// by hand, by which code would run that the processor lacks:
///
/// ```compile_fail
/// let level = landscape_trace::Level::Avx512;
/// ```
///
/// ```
/// use landscape_trace::Level;
/// let levels = Level::available();
/// assert!(levels[0] == Level::PORTABLE && levels.is_sorted() && levels.contains(&Level::detect()));
/// assert!(levels.iter().all(|level| Level::by_name(level.name()) == Some(*level)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Set);

/// The instruction sets, the slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Set {
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors with fused multiply-add.
    Avx512,
}

impl Level {
    /// Plain Rust, for any processor; multiply and add are rounded separately.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The best level of this processor, or the one that the environment variable `LANDSCAPE_SIMD` names; one that
    /// [`Level::by_name`] does not know changes nothing. The answer is kept.
    pub fn detect() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let asked = std::env::var("LANDSCAPE_SIMD").ok();
            let best = || Self::available().last().copied();
            let level = asked.and_then(|name| Self::by_name(&name)).or_else(best);
            level.unwrap_or(Self::PORTABLE)
        })
    }

    /// The level of a name, where this processor has it: `portable`, `avx2` or `avx512`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::available()
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// The name that [`Level::by_name`] takes.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            Set::Avx2 => "avx2",
            Set::Avx512 => "avx512",
        }
    }

    /// All levels that this processor can run, the slowest first.
    pub fn available() -> Vec<Self> {
        let all = [Set::Portable, Set::Avx2, Set::Avx512];
        all.into_iter()
            .filter(|set| set.is_there())
            .map(Self)
            .collect()
    }

    /// Whether it is plain Rust.
    pub(super) fn is_portable(self) -> bool {
        self.0 == Set::Portable
    }
}

impl Set {
    #[cfg(target_arch = "x86_64")]
    fn is_there(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2(),
            Self::Avx512 => {
                avx2()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_there(self) -> bool {
        self == Self::Portable
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Set::Portable => "portable",
            Set::Avx2 => "AVX2",
            Set::Avx512 => "AVX-512",
        })
    }
}

/// `1.5 * 2^23`: added to a number below 2^22, it rounds it to an integer (ties to even) and leaves
/// that integer in the low bits of the sum.
pub(crate) const SHIFTER: f32 = 12_582_912.0;

/// A computation that is compiled once for every level.
pub(crate) trait Kernel {
    /// Runs it with the vectors `S`.
    ///
    /// # Safety
    /// The processor must have the features of `S`.
    unsafe fn run<S: Simd>(self);
}

/// Runs `kernel` compiled for `level`.
pub(crate) fn run<K: Kernel>(level: Level, kernel: K) {
    debug_assert!(level.0.is_there());
    match level.0 {
        // SAFETY: `set.is_there()` holds for the set of every `Level`: they are made by `available`.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { run_avx2(kernel) },
        // SAFETY: plain Rust needs no feature.
        _ => unsafe { kernel.run::<Portable>() },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) {
    // SAFETY: this function is called where there are its features alone.
    unsafe { kernel.run::<x86::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) {
    // SAFETY: this function is called where there are its features alone.
    unsafe { kernel.run::<x86::Avx2>() }
}

/// Operations on logical vectors of 16 f32.
///
/// Vectors are made by `splat` and `read` alone, which are `unsafe`: where there is one, the processor has
/// the features of its type, and so everything that is computed from it is safe.
///
/// `max` and `min` return the *second* operand where either is NaN, so `max(limit, x)` keeps a
/// NaN in `x`.
///
/// # Safety
/// No function but `splat` and `read` makes a vector without another.
pub(crate) unsafe trait Simd {
    /// A logical vector.
    type V: Copy;
    /// Rows of outputs that a matrix kernel keeps in registers.
    const ROWS: usize;
    /// Logical vectors a row that a matrix kernel keeps in registers.
    const COLUMNS: usize;

    /// `x` in all lanes.
    ///
    /// # Safety
    /// The processor must have the implementor's features.
    unsafe fn splat(x: f32) -> Self::V;
    /// # Safety
    /// The processor must have the implementor's features, and `p` be valid for reads of 16 numbers.
    unsafe fn read(p: *const f32) -> Self::V;
    /// # Safety
    /// `p` must be valid for writes of 16 numbers.
    unsafe fn write(p: *mut f32, v: Self::V);
    fn add(a: Self::V, b: Self::V) -> Self::V;
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    fn div(a: Self::V, b: Self::V) -> Self::V;
    fn sqrt(a: Self::V) -> Self::V;
    /// `a * b + c`
    fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    fn max(a: Self::V, b: Self::V) -> Self::V;
    fn min(a: Self::V, b: Self::V) -> Self::V;
    /// Nearest integer, ties to even; for |a| < 2^22.
    fn round(a: Self::V) -> Self::V;
    /// `a * 2^n` for integral `n` in [-252, 254].
    fn scale(a: Self::V, n: Self::V) -> Self::V;
    /// `a * 2^n` where `shifted` is `n` + [`SHIFTER`], and `a` and the result are normal numbers.
    fn scale_shifted(a: Self::V, shifted: Self::V) -> Self::V;
    /// Mantissa in [1, 2) and exponent of positive normal numbers.
    fn split(a: Self::V) -> (Self::V, Self::V);
    /// `a > b ? x : y`; `y` where either is NaN.
    fn select_gt(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// Whether `a > b` in any lane.
    fn any_gt(a: Self::V, b: Self::V) -> bool;
    /// `a == b ? x : y`; `y` where either is NaN.
    fn select_eq(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;

    /// `x` in all lanes; any vector shows that the processor has the features.
    #[inline(always)]
    fn fill(_any: Self::V, x: f32) -> Self::V {
        // SAFETY: there is a vector.
        unsafe { Self::splat(x) }
    }

    /// `f` of each pair of lanes.
    #[inline(always)]
    fn each(a: Self::V, b: Self::V, f: impl Fn(f32, f32) -> f32) -> Self::V {
        let (mut x, mut y) = ([0.0; LANES], [0.0; LANES]);
        // SAFETY: the arrays have 16 numbers each, and there is a vector.
        unsafe {
            Self::write(x.as_mut_ptr(), a);
            Self::write(y.as_mut_ptr(), b);
            let z: [f32; LANES] = std::array::from_fn(|i| f(x[i], y[i]));
            Self::read(z.as_ptr())
        }
    }

    /// `x[at..at + 16]`.
    ///
    /// # Safety
    /// The processor must have the implementor's features, and `at + 16 <= x.len()`.
    #[inline(always)]
    unsafe fn load(x: &[f32], at: usize) -> Self::V {
        debug_assert!(at <= x.len() && x.len() - at >= LANES);
        // SAFETY: `at + 16 <= x.len()`, as the caller promises.
        unsafe { Self::read(x.as_ptr().add(at)) }
    }

    /// Writes `v` to `to[at..at + 16]`.
    ///
    /// # Safety
    /// `at + 16 <= to.len()`.
    #[inline(always)]
    unsafe fn store(to: &mut [f32], at: usize, v: Self::V) {
        debug_assert!(at <= to.len() && to.len() - at >= LANES);
        // SAFETY: `at + 16 <= to.len()`, as the caller promises.
        unsafe { Self::write(to.as_mut_ptr().add(at), v) }
    }

    /// `x[at]` in all lanes.
    ///
    /// # Safety
    /// The processor must have the implementor's features, and `at < x.len()`.
    #[inline(always)]
    unsafe fn repeat(x: &[f32], at: usize) -> Self::V {
        debug_assert!(at < x.len());
        // SAFETY: `at < x.len()`, as the caller promises.
        unsafe { Self::splat(*x.get_unchecked(at)) }
    }
}

/// A place that moves through a slice, for inner loops: a pointer, and for the checks the slice.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    all: &'a [f32],
    at: *const f32,
}

impl<'a> Cursor<'a> {
    /// At `all[at]`.
    #[inline(always)]
    pub fn new(all: &'a [f32], at: usize) -> Self {
        let first = all.as_ptr();
        Self {
            all,
            at: first.wrapping_add(at),
        }
    }

    /// Moves on by `n` numbers, also beyond the end.
    #[inline(always)]
    pub fn step(&mut self, n: usize) {
        self.at = self.at.wrapping_add(n);
    }

    /// The index of the place.
    fn index(&self) -> usize {
        (self.at.addr() - self.all.as_ptr().addr()) / size_of::<f32>()
    }

    /// The 16 numbers from `offset` numbers behind the place on.
    ///
    /// # Safety
    /// The processor must have the features of `S`, and the slice these numbers.
    #[inline(always)]
    pub unsafe fn load<S: Simd>(&self, offset: usize) -> S::V {
        debug_assert!(self.index() + offset + LANES <= self.all.len());
        // SAFETY: `index + offset + 16 <= all.len()`, as the caller promises.
        unsafe { S::read(self.at.add(offset)) }
    }

    /// The number `offset` numbers behind the place, in all lanes.
    ///
    /// # Safety
    /// The processor must have the features of `S`, and the slice this number.
    #[inline(always)]
    pub unsafe fn repeat<S: Simd>(&self, offset: usize) -> S::V {
        debug_assert!(self.index() + offset < self.all.len());
        // SAFETY: `index + offset < all.len()`, as the caller promises.
        unsafe { S::splat(*self.at.add(offset)) }
    }
}

/// Plain arrays; the compiler makes of them what the target has.
pub(crate) struct Portable;

type Array = [f32; LANES];

#[inline(always)]
fn zip(a: Array, b: Array, f: impl Fn(f32, f32) -> f32) -> Array {
    std::array::from_fn(|i| f(a[i], b[i]))
}

// SAFETY: arrays need no feature.
unsafe impl Simd for Portable {
    type V = Array;
    const ROWS: usize = 4;
    const COLUMNS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Array {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn read(p: *const f32) -> Array {
        // SAFETY: 16 numbers, as the caller promises.
        unsafe { p.cast::<Array>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn write(p: *mut f32, v: Array) {
        // SAFETY: 16 numbers, as the caller promises.
        unsafe { p.cast::<Array>().write_unaligned(v) }
    }
    #[inline(always)]
    fn add(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(a: Array) -> Array {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn fma(a: Array, b: Array, c: Array) -> Array {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn round(a: Array) -> Array {
        a.map(|x| (x + SHIFTER) - SHIFTER)
    }
    #[inline(always)]
    fn scale(a: Array, n: Array) -> Array {
        // Two factors, so that results up to the largest f32 and down to denormals are reached.
        zip(a, n, |a, n| {
            let n = n as i32;
            let half = n >> 1;
            let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
            a * power(half) * power(n - half)
        })
    }
    #[inline(always)]
    fn scale_shifted(a: Array, shifted: Array) -> Array {
        zip(a, shifted, |a, n| {
            f32::from_bits(a.to_bits().wrapping_add(n.to_bits() << 23))
        })
    }
    #[inline(always)]
    fn split(a: Array) -> (Array, Array) {
        let mantissa = a.map(|x| f32::from_bits((x.to_bits() & 0x007f_ffff) | 0x3f80_0000));
        let exponent = a.map(|x| ((x.to_bits() >> 23) as i32 - 127) as f32);
        (mantissa, exponent)
    }
    #[inline(always)]
    fn select_gt(a: Array, b: Array, x: Array, y: Array) -> Array {
        std::array::from_fn(|i| if a[i] > b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    fn any_gt(a: Array, b: Array) -> bool {
        a.iter().zip(&b).any(|(a, b)| a > b)
    }
    #[inline(always)]
    fn select_eq(a: Array, b: Array, x: Array, y: Array) -> Array {
        std::array::from_fn(|i| if a[i] == b[i] { x[i] } else { y[i] })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    /// One 512-bit register a logical vector.
    pub(crate) struct Avx512;

    // SAFETY: `__m512` is made by `splat` and `read` alone, or from another.
    unsafe impl Simd for Avx512 {
        type V = __m512;
        const ROWS: usize = 6;
        const COLUMNS: usize = 4;

        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            // SAFETY: the caller promises the features.
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn read(p: *const f32) -> __m512 {
            // SAFETY: the caller promises the features and 16 numbers.
            unsafe { _mm512_loadu_ps(p) }
        }
        #[inline(always)]
        unsafe fn write(p: *mut f32, v: __m512) {
            // SAFETY: there is a vector; the caller promises room for 16 numbers.
            unsafe { _mm512_storeu_ps(p, v) }
        }
        #[inline(always)]
        fn add(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        fn div(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_div_ps(a, b) }
        }
        #[inline(always)]
        fn sqrt(a: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_sqrt_ps(a) }
        }
        #[inline(always)]
        fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn max(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        fn min(a: __m512, b: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_min_ps(a, b) }
        }
        #[inline(always)]
        fn round(a: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
        }
        #[inline(always)]
        fn scale(a: __m512, n: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_scalef_ps(a, n) }
        }
        #[inline(always)]
        fn scale_shifted(a: __m512, shifted: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe {
                let n = _mm512_slli_epi32::<23>(_mm512_castps_si512(shifted));
                _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), n))
            }
        }
        #[inline(always)]
        fn split(a: __m512) -> (__m512, __m512) {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe {
                let mantissa = _mm512_getmant_ps::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_ZERO>(a);
                (mantissa, _mm512_getexp_ps(a))
            }
        }
        #[inline(always)]
        fn select_gt(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), y, x) }
        }
        #[inline(always)]
        fn any_gt(a: __m512, b: __m512) -> bool {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) != 0 }
        }
        #[inline(always)]
        fn select_eq(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), y, x) }
        }
    }

    /// Two 256-bit registers a logical vector.
    pub(crate) struct Avx2;

    type Pair = [__m256; 2];

    macro_rules! each {
        ($i:ident => $e:expr) => {
            // SAFETY: there is a vector, and so the processor has its features.
            unsafe {
                [
                    {
                        let $i = 0;
                        $e
                    },
                    {
                        let $i = 1;
                        $e
                    },
                ]
            }
        };
    }

    // SAFETY: `__m256` is made by `splat` and `read` alone, or from another.
    unsafe impl Simd for Avx2 {
        type V = Pair;
        const ROWS: usize = 6;
        const COLUMNS: usize = 1;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Pair {
            // SAFETY: the caller promises the features.
            unsafe { [_mm256_set1_ps(x); 2] }
        }
        #[inline(always)]
        unsafe fn read(p: *const f32) -> Pair {
            each!(i => _mm256_loadu_ps(p.add(8 * i)))
        }
        #[inline(always)]
        unsafe fn write(p: *mut f32, v: Pair) {
            // SAFETY: there is a vector; the caller promises room for 16 numbers.
            unsafe {
                _mm256_storeu_ps(p, v[0]);
                _mm256_storeu_ps(p.add(8), v[1]);
            }
        }
        #[inline(always)]
        fn add(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_add_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn sub(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_sub_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn mul(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_mul_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn div(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_div_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn sqrt(a: Pair) -> Pair {
            each!(i => _mm256_sqrt_ps(a[i]))
        }
        #[inline(always)]
        fn fma(a: Pair, b: Pair, c: Pair) -> Pair {
            each!(i => _mm256_fmadd_ps(a[i], b[i], c[i]))
        }
        #[inline(always)]
        fn max(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_max_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn min(a: Pair, b: Pair) -> Pair {
            each!(i => _mm256_min_ps(a[i], b[i]))
        }
        #[inline(always)]
        fn round(a: Pair) -> Pair {
            each!(i => _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a[i]))
        }
        #[inline(always)]
        fn scale(a: Pair, n: Pair) -> Pair {
            // Two factors, so that results up to the largest f32 and down to denormals are reached.
            each!(i => {
                let n = _mm256_cvtps_epi32(n[i]);
                let half = _mm256_srai_epi32::<1>(n);
                let bias = _mm256_set1_epi32(127);
                let power = |n| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, bias)));
                let rest = _mm256_sub_epi32(n, half);
                _mm256_mul_ps(_mm256_mul_ps(a[i], power(half)), power(rest))
            })
        }
        #[inline(always)]
        fn scale_shifted(a: Pair, shifted: Pair) -> Pair {
            each!(i => {
                let n = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted[i]));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a[i]), n))
            })
        }
        #[inline(always)]
        fn split(a: Pair) -> (Pair, Pair) {
            let mantissa = each!(i => _mm256_or_ps(
                _mm256_and_ps(a[i], _mm256_castsi256_ps(_mm256_set1_epi32(0x007f_ffff))),
                _mm256_set1_ps(1.0),
            ));
            let exponent = each!(i => _mm256_cvtepi32_ps(_mm256_sub_epi32(
                _mm256_srli_epi32::<23>(_mm256_castps_si256(a[i])),
                _mm256_set1_epi32(127),
            )));
            (mantissa, exponent)
        }
        #[inline(always)]
        fn select_gt(a: Pair, b: Pair, x: Pair, y: Pair) -> Pair {
            each!(i => _mm256_blendv_ps(y[i], x[i], _mm256_cmp_ps::<_CMP_GT_OQ>(a[i], b[i])))
        }
        #[inline(always)]
        fn any_gt(a: Pair, b: Pair) -> bool {
            let any = each!(i => _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a[i], b[i])));
            any != [0, 0]
        }
        #[inline(always)]
        fn select_eq(a: Pair, b: Pair, x: Pair, y: Pair) -> Pair {
            each!(i => _mm256_blendv_ps(y[i], x[i], _mm256_cmp_ps::<_CMP_EQ_OQ>(a[i], b[i])))
        }
    }
}
