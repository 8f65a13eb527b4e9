story: A restart in the middle interrupts a request; the same message runs it again, once
about: crash: coordinator before COMMITTED is flushed
about: request: interrupted
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
crash care
expect s1 unheard
thaw home
restart care
expect first try of s1 ABORTED at east
expect wang can spend 500.00
expect request s1 open
send s1 again
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
