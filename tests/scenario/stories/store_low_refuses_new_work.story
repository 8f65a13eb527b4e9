story: Below its reserve a coordinator refuses new work and still decides what it has begun
about: disk: full
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
the store of care is low
thaw home
expect s1 done
settle s2 10.00 of li at care
expect s2 refused STORE_FULL
the store of care has room
settle s3 10.00 of li at care
expect s3 done
expect wang has 420.00
