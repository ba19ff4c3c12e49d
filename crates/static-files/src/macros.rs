/// The way to what a service wraps.
macro_rules! accessors {
    ($service:ident) => {
        impl<S> $service<S> {
            /// The inner service.
            pub fn get_ref(&self) -> &S {
                &self.inner
            }

            /// The inner service, to be changed.
            pub fn get_mut(&mut self) -> &mut S {
                &mut self.inner
            }

            /// The inner service alone.
            pub fn into_inner(self) -> S {
                self.inner
            }
        }
    };
}
pub(crate) use accessors;
