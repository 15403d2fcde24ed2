use crate::viewpoint::Camera;

/// A point or direction in the box: first axis, second axis, height.
pub(super) type Vec3 = [f64; 3];

pub(super) fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn unit(a: Vec3) -> Vec3 {
    let length = libm::sqrt(dot(a, a)).max(1e-300);
    a.map(|v| v / length)
}

/// A parallel projection: lengths along an axis compare wherever they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Directions on the page, and towards the eye.
    pub right: Vec3,
    pub up: Vec3,
    pub eye: Vec3,
    /// Points on the page for a unit in the box, and where its middle lies.
    pub zoom: f64,
    pub centre: (f64, f64),
}

impl View {
    pub fn new(camera: Camera) -> Self {
        let (a, e) = (camera.azimuth.to_radians(), camera.elevation.to_radians());
        let ((sa, ca), (se, ce)) = (libm::sincos(a), libm::sincos(e));
        View {
            right: [ca, sa, 0.0],
            up: [-sa * se, ca * se, ce],
            eye: [sa * ce, -ca * ce, se],
            zoom: 1.0,
            centre: (0.0, 0.0),
        }
    }

    /// Where a point lies on the page.
    pub fn at(&self, p: Vec3) -> (f64, f64) {
        (
            self.centre.0 + self.zoom * dot(p, self.right),
            self.centre.1 - self.zoom * dot(p, self.up),
        )
    }

    /// A direction on the page, of length 1 unless it points to the eye.
    pub fn direction(&self, d: Vec3) -> (f64, f64) {
        let (x, y) = (dot(d, self.right), -dot(d, self.up));
        let length = libm::hypot(x, y).max(1e-9);
        (x / length, y / length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_a_right_handed_frame() {
        for (azimuth, elevation) in [(0.0, 20.0), (35.0, 30.0), (200.0, 70.0)] {
            let v = View::new(Camera { azimuth, elevation });
            for (a, b) in [(v.right, v.up), (v.up, v.eye), (v.eye, v.right)] {
                assert!(dot(a, b).abs() < 1e-12);
            }
            let cross = [
                v.right[1] * v.up[2] - v.right[2] * v.up[1],
                v.right[2] * v.up[0] - v.right[0] * v.up[2],
                v.right[0] * v.up[1] - v.right[1] * v.up[0],
            ];
            assert!((dot(cross, v.eye) - 1.0).abs() < 1e-12);
        }
        let front = View::new(Camera {
            azimuth: 0.0,
            elevation: 20.0,
        });
        assert!(front.at([1.0, 0.0, 0.0]).0 > 0.0 && front.eye[1] < 0.0);
    }
}
