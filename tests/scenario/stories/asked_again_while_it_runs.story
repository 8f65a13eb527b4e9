story: A client asks again while its request runs: in progress, and it is paid once
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
send s1 again
expect s1 in progress
thaw home
expect everything decided
send s1 again
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
