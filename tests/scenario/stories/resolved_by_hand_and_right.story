story: Two people commit by hand what is in doubt, and they were right: the certificate is added to their decision
about: by hand: two people
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
wait 200ms
cut care from east
cut home from east
thaw home
expect s1 done
expect s1 PREPARED at east

zhao proposes commit of s1 at east as d1
expect d1 done
expect s1 PREPARED at east
qian confirms commit of s1 at east as d2
expect d2 done
expect s1 RESOLVED at east
expect wang has 430.00
expect east holds 0.00
heal care and east
heal home and east
expect s1 ENDED at care
expect wang has 430.00
