//! The table of results, as Markdown.

use std::{fmt, time::Duration};

/// The bound that a figure has to keep.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// No bound: the figure is only reported.
    None,
}

impl Goal {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
            Self::None => true,
        }
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    gatehouse: String,
    reference: String,
    figure: f64,
    unit: &'static str,
    goal: Goal,
}

/// The rows measured so far.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a row and prints it: the measurement, the result of Gatehouse, the result that it is compared with, and the
    /// figure that the goal applies to.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        gatehouse: impl Into<String>,
        reference: impl Into<String>,
        (figure, unit): (f64, &'static str),
        goal: Goal,
    ) {
        let row =
            Row { name: name.into(), gatehouse: gatehouse.into(), reference: reference.into(), figure, unit, goal };
        eprintln!("{row}");
        self.0.push(row);
    }

    /// Whether all goals are met.
    pub fn meets_all_goals(&self) -> bool {
        self.0.iter().all(|row| row.goal.is_met(row.figure))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, gatehouse, reference, figure, unit, goal } = self;
        let digits = if *figure >= 100.0 { 0 } else { 2 };
        write!(f, "| {name} | {gatehouse} | {reference} | {figure:.digits$}{unit} | ")?;
        match goal {
            Goal::AtLeast(bound) => write!(f, "≥ {bound}{unit}")?,
            Goal::AtMost(bound) => write!(f, "≤ {bound}{unit}")?,
            Goal::None => return write!(f, "| |"),
        }
        write!(f, " | {} |", if goal.is_met(*figure) { "yes" } else { "**no**" })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measurement | Gatehouse | compared with | figure | goal | met |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// Returns the median; of an even number of values, the lower of the two middle ones.
pub fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("no figure is NaN"));
    values[(values.len() - 1) / 2]
}

pub fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
