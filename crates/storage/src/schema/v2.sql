-- Points that an adaptive run interpolates.

ALTER TABLE points ADD COLUMN interpolated BOOLEAN DEFAULT false;

CREATE OR REPLACE VIEW landscape AS
    SELECT r.name AS run, p.i, p.j, p.k, p.alpha, p.beta, p.gamma, p.loss, p.loss_se, p.accuracy,
           p.loss + coalesce(list_dot_product(p.terms, w.weights), 0) AS total, p.interpolated
    FROM points p JOIN runs r USING (run_id) LEFT JOIN weights w USING (run_id);

COMMENT ON TABLE points IS 'One row a known point, measured or interpolated; others have no row';
COMMENT ON VIEW landscape IS 'Points under the name of their run, with the total loss';
