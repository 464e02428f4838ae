//! A plot of time against the size of a fleet.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::prelude::*;

/// One way to count, and how long fleets of several sizes took.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(usize, Duration)>,
}

const SIZE: (u32, u32) = (720, 420);
const COLOURS: [RGBColor; 3] =
    [RGBColor(0xb3, 0x26, 0x1e), RGBColor(0xb2, 0x6a, 0x00), RGBColor(0x0b, 0x6b, 0x5b)];

/// Draws the lines as an SVG. Both axes are logarithmic.
pub(crate) fn draw(file: &Path, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let seconds = |time: Duration| time.as_secs_f64();
    let (least, most) = points().fold((usize::MAX, 0), |(a, b), (n, _)| (a.min(n), b.max(n)));
    let longest = points().map(|(_, time)| seconds(time)).fold(1.0, f64::max);
    let canvas = SVGBackend::new(file, SIZE).into_drawing_area();
    canvas.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&canvas)
        .caption("A fleet boots within a second: when its last machine is in", ("sans-serif", 17))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(56)
        .build_cartesian_2d((least..most).log_scale(), (0.5..longest * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(4)
        .x_desc("machines")
        .y_desc("seconds")
        .x_label_formatter(&|n| n.to_string())
        .y_label_formatter(&|s| s.to_string())
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS) {
        let drawn = || line.points.iter().map(|(n, time)| (*n, seconds(*time)));
        chart
            .draw_series(LineSeries::new(drawn(), colour.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(drawn().map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).draw()?;
    canvas.present()?;
    Ok(())
}
